package main

import (
	"errors"
	"flag"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	s, err := parse(nil)
	if err != nil || s.out != filepath.Join("bench", "RESULTS.md") || s.seconds != 1 || s.repetitions != 5 || s.threads[0] != 1 {
		t.Errorf("no arguments: got %+v, error %v", s, err)
	}
	s, err = parse([]string{"--only", "steps,gemm", "--systems", "stacked", "--threads", "1", "--seconds=0.5", "--repetitions", "2"})
	want := settings{only: []string{"steps", "gemm"}, systems: []string{"stacked"}, seconds: 0.5, repetitions: 2, threads: []int{1}, out: "-"}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("all arguments: got %+v, error %v, want %+v", s, err, want)
	}
	if _, err := parse([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: got error %v", err)
	}
	for _, args := range []string{"--only stepps", "--seconds 0", "--seconds NaN", "--repetitions 0", "--threads 0", "--threads 1,x",
		"--threads 1000000", "stacked", "--colour"} {
		if _, err := parse(strings.Fields(args)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one of one line", args, err)
		}
	}
}
