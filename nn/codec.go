package nn

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// registry maps the kinds of layers that can be read from JSON to their types.
var registry = struct {
	sync.RWMutex
	types map[string]reflect.Type
}{types: map[string]reflect.Type{}}

// Register makes a layer's type known by its name, so that a model file with
// such a layer can be read. Layers of this package are known already. It panics
// if another type has the name.
func Register(l Layer) {
	t, kind := reflect.TypeOf(l), Kind(l)
	registry.Lock()
	defer registry.Unlock()
	if known, ok := registry.types[kind]; ok && known != t {
		panic(fmt.Sprintf("nn: layers %v and %v have the same name", known, t))
	}
	registry.types[kind] = t
}

func init() {
	for _, l := range []Layer{
		Input{}, Flatten{}, Reshape{}, Permute{},
		Dense{}, Activation{}, GaussianNoise{}, Dropout{}, BatchNormalization{}, LayerNormalization{}, GroupNormalization{},
		MultiHeadAttention{}, PReLU{}, PositionEmbedding{}, PixelShuffle{},
		Conv1D{}, Conv1DTranspose{}, Conv2D{}, Conv2DTranspose{},
		DepthwiseConv1D{}, DepthwiseConv2D{}, SeparableConv1D{}, SeparableConv2D{},
		MaxPooling2D{}, AveragePooling2D{}, GlobalAveragePooling2D{}, UpSampling2D{}, ZeroPadding2D{}, Cropping2D{},
		SimpleRNN{}, LSTM{}, GRU{}, RepeatVector{}, TimeDistributed{}, Bidirectional{},
		Residual{}, Parallel{}, Tap{}, Join{}, Named{}, Frozen{},
		ActivityRegularization{}, KLRegularization{}, MMDRegularization{}, Regularized{}, Tied{},
		ColumnActivation{}, Condition{}, VectorQuantizer{}, Adversary{}, Sampling{}, ImportanceSampling{}, TCSampling{}, MaskingNoise{}, SaltAndPepperNoise{}, PatchMasking{}, Contractive{},
	} {
		Register(l)
	}
}

// Kinds lists the names of all registered layers in alphabetical order.
func Kinds() []string {
	registry.RLock()
	defer registry.RUnlock()
	var kinds []string
	for kind := range registry.types {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// NewLayer returns the zero value of the layer registered under a name, a pointer
// to it if that is what was registered.
func NewLayer(kind string) (Layer, error) {
	t, err := typeOf(kind)
	if err != nil {
		return nil, fmt.Errorf("nn: new layer: %w", err)
	}
	if t.Kind() == reflect.Pointer {
		return reflect.New(t.Elem()).Interface().(Layer), nil
	}
	return reflect.Zero(t).Interface().(Layer), nil
}

// Layers is a list of layers that can be stored as JSON, each as its kind and
// its fields: [{"layer":"Dense","config":{"units":100,"activation":"selu"}}].
type Layers []Layer

// layerJSON is the stored form of one layer.
type layerJSON struct {
	Layer  string          `json:"layer"`
	Config json.RawMessage `json:"config"`
}

// MarshalJSON writes the layers; it reports one whose type is not registered.
func (ls Layers) MarshalJSON() ([]byte, error) {
	stored := make([]layerJSON, len(ls))
	for i, l := range ls {
		var err error
		if stored[i], err = encodeLayer(l); err != nil {
			return nil, fmt.Errorf("nn: write layer %d: %w", i, err)
		}
	}
	return json.Marshal(stored)
}

func encodeLayer(l Layer) (layerJSON, error) {
	if _, err := typeOf(Kind(l)); err != nil {
		return layerJSON{}, err
	}
	config, err := json.Marshal(l)
	if err != nil {
		return layerJSON{}, fmt.Errorf("%s: %w", Kind(l), err)
	}
	return layerJSON{Kind(l), config}, nil
}

// UnmarshalJSON reads layers; an unknown layer or option is an error that names it.
func (ls *Layers) UnmarshalJSON(data []byte) error {
	var stored []layerJSON
	if err := json.Unmarshal(data, &stored); err != nil {
		return fmt.Errorf("nn: read layers: %w", err)
	}
	*ls = nil
	for i, s := range stored {
		layer, err := s.decode()
		if err != nil {
			return fmt.Errorf("nn: read layer %d: %w", i, err)
		}
		*ls = append(*ls, layer)
	}
	return nil
}

func (s layerJSON) decode() (Layer, error) {
	t, err := typeOf(s.Layer)
	if err != nil {
		return nil, err
	}
	if len(s.Config) == 0 || string(s.Config) == "null" {
		return nil, fmt.Errorf("%s: config is missing", s.Layer)
	}
	if t.Implements(compositeType) && len(s.Config) > maxWrapped {
		return nil, fmt.Errorf("%s: its layers are described by %d bytes, want at most %d", s.Layer, len(s.Config), maxWrapped)
	}
	value := reflect.New(t)
	if err := decodeStrictly(s.Config, value.Interface()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Layer, err)
	}
	return value.Elem().Interface().(Layer), nil
}

var compositeType = reflect.TypeFor[Composite]()

func typeOf(kind string) (reflect.Type, error) {
	registry.RLock()
	defer registry.RUnlock()
	t, ok := registry.types[kind]
	if !ok {
		return nil, fmt.Errorf("unknown layer %q", kind)
	}
	return t, nil
}
