//go:build !amd64 || purego

package kernel

// softmaxes returns the twins.
func softmaxes() *softmaxTable { return &genericSoftmax }
