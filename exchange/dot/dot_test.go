package dot_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/exchange/dot"
)

func text(t *testing.T, line string) string {
	t.Helper()
	encoder, decoder, err := architecture.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := dot.Write(&b, ae); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	got := text(t, "input 4x4x1 > conv2d 2 3x3 relu padding=same > tap a > max_pooling2d 2x2 > residual (conv2d 2 1x1) | up_sampling2d 2x2 > join a > conv2d 1 1x1")
	for _, want := range []string{"digraph autoencoder {", "subgraph cluster_encoder {", `label="Conv2D\n20 weights"`,
		`samples -> layer1 [label=" 4×4×1"];`, `layer1 -> layer6 [label=" 4×4×2", style=dashed, constraint=false];`, `layer2 -> layer4 [label=" 2×2×2"];`,
		`layer7 -> reconstruction [label=" 4×4×1"];`} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
	if path, err := exec.LookPath("dot"); err == nil {
		cmd := exec.Command(path, "-Tsvg")
		cmd.Stdin = strings.NewReader(got)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("dot: %v: %s", err, out)
		}
	}
}
