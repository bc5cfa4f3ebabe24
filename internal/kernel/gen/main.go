// Command gen writes the assembly of package kernel, and its Go declarations, into the
// current directory: for every file NAME below, NAME_amd64.s and NAME_amd64.go. Every kernel is
// written once, for vectors of unstated length, and comes out for AVX2 and for AVX-512.
package main

import (
	"fmt"
	"log"
	"os"
	"regexp"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// files lists what is generated: a name and the functions in it, for one instruction set.
var files = []struct {
	name     string
	generate func(v *vm)
}{
	{"gemm_kernels", gemmKernels},
	{"transpose_kernels", transposeKernels},
	{"elementwise_kernels", elementwiseKernels},
	{"activation_kernels", activationKernels},
	{"reduce_kernels", reduceKernels},
	{"loss_kernels", lossKernels},
	{"optimizer_kernels", optimizerKernels},
	{"random_kernels", randomKernels},
	{"segment_kernels", segmentKernels},
	{"lstm_kernels", lstmKernels},
	{"gru_kernels", gruKernels},
	{"norm_kernels", normKernels},
	{"maxpool_kernels", maxPoolKernels},
	{"curve_kernels", curveKernels},
	{"within_kernels", withinKernels},
	{"depthwise_kernels", depthwiseKernels},
	{"softmax_kernels", softmaxKernels},
}

func main() {
	log.SetFlags(0)
	for _, f := range files {
		if err := write(f.name, f.generate); err != nil {
			log.Fatalf("gen: %s: %v", f.name, err)
		}
	}
}

// write generates one pair of files.
func write(name string, generate func(v *vm)) error {
	ctx := build.NewContext()
	ctx.Constraints(buildtags.And(buildtags.Term("amd64"), buildtags.Not("purego")))
	v := &vm{Context: ctx, offsets: map[uint32]int{}}
	for _, set := range []instructionSet{avx2, avx512} {
		v.instructionSet = set
		generate(v)
	}
	v.emitConstants()
	file, err := ctx.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "internal/kernel/gen", Pkg: "kernel"}
	asm, err := printer.NewGoAsm(config).Print(file)
	if err != nil {
		return err
	}
	if err := checkRegisters(asm); err != nil {
		return err
	}
	stubs, err := printer.NewStubs(config).Print(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+"_amd64.s", asm, 0o644); err != nil {
		return err
	}
	return os.WriteFile(name+"_amd64.go", stubs, 0o644)
}

// functionPattern finds functions and highRegister the registers that AVX2 code must not use; avo's
// allocator does not tell instruction sets apart.
var (
	functionPattern = regexp.MustCompile(`(?m)^TEXT ·(\w+)`)
	highRegister    = regexp.MustCompile(`\b[XYZ](1[6-9]|2[0-9]|3[01])\b`)
)

// checkRegisters refuses AVX2 functions that ran out of their 16 registers.
func checkRegisters(asm []byte) error {
	starts := functionPattern.FindAllSubmatchIndex(asm, -1)
	for i, s := range starts {
		end := len(asm)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		name := string(asm[s[2]:s[3]])
		if avx2.owns(name) && highRegister.Match(asm[s[0]:end]) {
			return fmt.Errorf("%s needs more than 16 vector registers", name)
		}
	}
	return nil
}
