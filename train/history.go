package train

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// History records the epochs of a training run, as Keras' History does.
type History struct {
	Metrics []string // names of the metrics, in the order of Scores.Metrics
	Epochs  []Epoch
}

// Epoch is what one epoch came to.
type Epoch struct {
	Epoch      int     // from 1
	Seconds    float64 // training and validation
	Train      Scores  // means over the epoch's steps, while the weights changed
	Validation *Scores // after the epoch; nil without validation data
}

// Scores are a loss and metrics, each the mean over samples.
type Scores struct {
	Loss    float64
	Metrics Values
}

// Last returns the last completed epoch, or nil.
func (h *History) Last() *Epoch {
	if len(h.Epochs) == 0 {
		return nil
	}
	return &h.Epochs[len(h.Epochs)-1]
}

// Series returns one value over the epochs: "loss", the name of a metric, or
// either with "val_" in front. It is nil where there is no such value.
func (h *History) Series(name string) []float64 {
	var series []float64
	for _, e := range h.Epochs {
		found := false
		for _, v := range h.values(e) {
			if v.name == name {
				series, found = append(series, v.value), true
			}
		}
		if !found {
			return nil
		}
	}
	return series
}

// namedValue is one number of an epoch under its name in reports.
type namedValue struct {
	name  string
	value float64
}

// values lists an epoch's numbers: loss, val_loss, and likewise each metric.
func (h *History) values(e Epoch) []namedValue {
	list := []namedValue{{"loss", e.Train.Loss}}
	if e.Validation != nil {
		list = append(list, namedValue{"val_loss", e.Validation.Loss})
	}
	for i, name := range h.Metrics {
		list = append(list, namedValue{name, e.Train.Metrics[i]})
		if e.Validation != nil {
			list = append(list, namedValue{"val_" + name, e.Validation.Metrics[i]})
		}
	}
	return list
}

// MarshalJSON writes the epochs as flat objects in the order of training:
// {"epoch":1,"seconds":0.6,"loss":0.14,"val_loss":0.11,"rounded_accuracy":0.95,…}. What is
// not finite is null.
func (h *History) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, e := range h.Epochs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"epoch":%d,"seconds":%.4f`, e.Epoch, e.Seconds)
		for _, v := range h.values(e) {
			value := []byte("null")
			if finite(v.value) {
				value, _ = json.Marshal(v.value) // finite numbers can always be written
			}
			fmt.Fprintf(&b, ",%q:%s", v.name, value)
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// newScores makes room for a number of metrics.
func newScores(metrics int) Scores { return Scores{Metrics: make([]float64, metrics)} }
