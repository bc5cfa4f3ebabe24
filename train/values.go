package train

import (
	"encoding/json"
	"fmt"
	"math"
)

// Values are numbers that may be no finite ones, as a metric of a user's may give. JSON has
// none of those: NaN is null there, and infinities are the texts "+Inf" and "-Inf".
type Values []float64

// MarshalJSON writes a list.
func (v Values) MarshalJSON() ([]byte, error) {
	list := make([]any, len(v))
	for i, x := range v {
		list[i] = jsonNumber(x)
	}
	return json.Marshal(list)
}

// jsonNumber returns what stands for a number in JSON.
func jsonNumber(x float64) any {
	switch {
	case math.IsNaN(x):
		return nil
	case math.IsInf(x, 0):
		return fmt.Sprintf("%+v", x)
	}
	return x
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Values) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*v = make(Values, len(list))
	for i, element := range list {
		switch string(element) {
		case "null":
			(*v)[i] = math.NaN()
		case `"+Inf"`:
			(*v)[i] = math.Inf(1)
		case `"-Inf"`:
			(*v)[i] = math.Inf(-1)
		default:
			if err := json.Unmarshal(element, &(*v)[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
