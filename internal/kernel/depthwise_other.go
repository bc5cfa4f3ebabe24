//go:build !amd64 || purego

package kernel

// depthwiseKernels returns the twins.
func depthwiseKernels() *depthwiseTable { return &genericDepthwise }
