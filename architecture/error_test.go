package architecture_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"hourglass/architecture"
	"hourglass/tensor"
)

// errorTexts are wrong texts, each over carets under what is wrong, and the error.
var errorTexts = []struct{ text, carets, message string }{
	{"flatten > dense 100 sleu | flatten",
		"                    ^^^^", `column 21: unknown activation "sleu", did you mean "selu"?`},
	{"dence 3 | flatten",
		"^^^^^", `column 1: unknown layer "dence", did you mean "dense"?`},
	{"conv2 8 3 | flatten",
		"^^^^^", `column 1: unknown layer "conv2", did you mean "conv2d"?`},
	{"dense 3 selu kernel_initialiser=zeros | flatten",
		"             ^^^^^^^^^^^^^^^^^^", `column 14: dense has no option "kernel_initialiser", did you mean "kernel_initializer"?`},
	{"dense 3 kernel_initializer=he_norml | flatten",
		"                           ^^^^^^^^", `column 28: unknown kernel initializer "he_norml", did you mean "he_normal"?`},
	{"dense 3 no_bais | flatten",
		"        ^^^^^^^", `column 9: unknown activation "no_bais", did you mean "no_bias"?`},
	{"dense 3 selu no_bais | flatten",
		"             ^^^^^^^", `column 14: dense has no option "no_bais", did you mean "no_bias"?`},
	{"lstm 9 return_sequence | flatten",
		"       ^^^^^^^^^^^^^^^", `column 8: lstm has no option "return_sequence", did you mean "return_sequences"?`},
	{"dense 3 (selu | flatten",
		"        ^", `column 9: activation of dense is a layer in parentheses, want one of linear, relu, leaky_relu, elu, selu, sigmoid, tanh, softplus, gelu, gelu_tanh, silu, mish, hard_sigmoid, hard_silu, relu6`},
	{"dense 3 xyz | flatten",
		"        ^^^", `column 9: unknown activation "xyz", want one of linear, relu, leaky_relu, elu, selu, sigmoid, tanh, softplus, gelu, gelu_tanh, silu, mish, hard_sigmoid, hard_silu, relu6`},

	// Too few, too many, of the wrong kind.
	{"dense | flatten",
		"^^^^^", `column 1: dense wants units, a whole number: dense UNITS [ACTIVATION]`},
	{"conv2d 8 | flatten",
		"^^^^^^", `column 1: conv2d wants kernel size, one whole number or 2, such as 3x3: conv2d FILTERS KERNEL_SIZE [ACTIVATION]`},
	{"dropout 0.1 0.2 | flatten",
		"            ^^^", `column 13: "0.2" is one argument too many for dropout RATE`},
	{"max_pooling2d 2 2 | flatten",
		"                ^", `column 17: "2" is one argument too many for max_pooling2d [POOL_SIZE]; others are options by name: strides, padding`},
	{"flatten 3 | flatten",
		"        ^", `column 9: flatten takes no arguments, got "3"`},
	{"flatten (flatten) | flatten",
		"        ^", `column 9: flatten takes no layer in parentheses`},
	{"dense ten | flatten",
		"      ^^^", `column 7: units of dense is "ten", want a whole number`},
	{"dense 1.5 | flatten",
		"      ^^^", `column 7: units of dense is "1.5", want a whole number`},
	{"dense 99999999999999999999 | flatten",
		"      ^^^^^^^^^^^^^^^^^^^^", `column 7: units of dense is "99999999999999999999", which is too large`},
	{"block seed=-1 | flatten",
		"           ^^", `column 12: seed of block is "-1", want at least 0`},
	{"block tags=[1] | flatten",
		"           ^^^", `column 12: tags of block is "[1]", which cannot be read: json: cannot unmarshal array into Go value of type map[string]int`},
	{"dropout much | flatten",
		"        ^^^^", `column 9: rate of dropout is "much", want a number`},
	{"dropout 1e999 | flatten",
		"        ^^^^^", `column 9: rate of dropout is "1e999", want a finite number`},
	{"conv2d 8 3x3x3 | flatten",
		"         ^^^^^", `column 10: kernel size of conv2d is "3x3x3", want one whole number or 2, such as 3x3`},
	{"zero_padding2d 1,2 | flatten",
		"               ^^^", `column 16: padding of zero_padding2d is "1,2", want one whole number, or top,bottom,left,right`},
	{"reshape 28x | flatten",
		"        ^^^", `column 9: shape of reshape is "28x", want whole numbers such as 28x28`},
	{"reshape () () | flatten",
		"           ^", `column 12: reshape takes no layer in parentheses`},
	{"lstm 3 return_sequences=maybe | flatten",
		"                        ^^^^^", `column 25: return sequences of lstm is "maybe", want true or false`},
	{"dense 3 kernel_initializer | flatten",
		"        ^^^^^^^^^^^^^^^^^^", `column 9: kernel_initializer wants a value: kernel_initializer=NAME`},
	{"conv2d 8 3 padding= > flatten | flatten",
		"                    ^", `column 21: padding of conv2d is missing, want one of valid, same`},
	{"dense 3 units=4 | flatten",
		"        ^^^^^", `column 9: units of dense is given twice`},
	{"lstm 3 no_bias no_bias | flatten",
		"               ^^^^^^^", `column 16: no bias of lstm is given twice`},
	{"flatten = 3 | flatten",
		"^^^^^^^", `column 1: want a layer, got the option "flatten"; options stand on the line of their layer`},
	{"dense 3 = | flatten",
		"      ^", `column 7: dense has no option "3", it has units, activation, no_bias, kernel_initializer, bias_initializer`},
	{"dense 3 selu = | flatten",
		"        ^^^^", `column 9: dense has no option "selu", it has units, activation, no_bias, kernel_initializer, bias_initializer`},
	{"flatten =3 | flatten",
		"^^^^^^^", `column 1: want a layer, got the option "flatten"; options stand on the line of their layer`},
	{`block "a" = | flatten`,
		"          ^", `column 11: want the name of an option before =`},

	// Out of range, whatever the samples are.
	{"dense 0 | flatten",
		"      ^", `column 7: dense: units is 0, want at least 1`},
	{"dropout rate=1 | flatten",
		"             ^", `column 14: dropout: rate is 1, want at least 0 and below 1`},
	{"gaussian_noise -0.1 | flatten",
		"               ^^^^", `column 16: gaussian_noise: stddev is -0.1, want a finite number of at least 0`},
	{"conv2d 8 0x3 | flatten",
		"         ^^^", `column 10: conv2d: kernel is 0, want 1 to 32768`},
	{"conv2d 8 3 strides=-1 | flatten",
		"                   ^^", `column 20: conv2d: stride is -1, want 1 to 32768`},
	{"bidirectional (lstm 0) | flatten",
		"                    ^", `column 21: lstm: units is 0, want 1 to 32768`},

	// Layers, bars and parentheses.
	{"", "^", `column 1: there are no layers, want some such as flatten > dense 30 selu | dense 784 sigmoid`},
	{"# nothing", "^", `column 1: there are no layers, want some such as flatten > dense 30 selu | dense 784 sigmoid`},
	{"flatten > dense 3",
		"                 ^", `column 18: there is no | between encoder and decoder`},
	{"| flatten", "^", `column 1: the encoder is empty, want layers left of |`},
	{"flatten |", "         ^", `column 10: the decoder is empty, want layers right of |`},
	{"flatten | flatten | flatten",
		"                  ^", `column 19: there is a second |, want only one, between encoder and decoder`},
	{"flatten > > flatten | flatten",
		"          ^", `column 11: want a layer, got ">"`},
	{"flatten > | flatten", "          ^", `column 11: want a layer, got "|"`},
	{"> flatten | flatten", "^", `column 1: want a layer, got ">"`},
	{"flatten | flatten >", "                   ^", `column 20: want a layer, got the end`},
	{"dense 3 selu dense 4 | flatten",
		"             ^^^^^", `column 14: "dense" is a layer, want > or a new line before it`},
	{"dense 3 flatten | flatten",
		"        ^^^^^^^", `column 9: "flatten" is a layer, want > or a new line before it`},
	{"time_distributed dense 3 | flatten",
		"                 ^^^^^", `column 18: layer of time_distributed is "dense", want a layer in parentheses, such as (dense 30 selu)`},
	{"time_distributed () | flatten",
		"                 ^", `column 18: layer of time_distributed is missing, want a layer in parentheses, such as (dense 30 selu)`},
	{"time_distributed (flatten > dense 3) | flatten",
		"                            ^^^^^", `column 29: time_distributed wants one layer in parentheses, got 2`},
	{"input 4 > residual (dense 5) | dense 4",
		"          ^^^^^^^^", "column 11: residual: its layers make 5 of 4, want the same shape, or a projection of the input to 5"},
	{"input 4 > dense 3 | join skip > dense 4",
		"                    ^^^^", `column 21: join: no tap "skip" stands in front of it`},
	{"parallel (flatten) | flatten",
		"         ^^^^^^^^^", "column 10: parallel: branches is 1 lists of layers, want at least 2"},
	{"time_distributed (flatten", "                 ^", `column 18: ( is never closed`},
	{"time_distributed (flatten | flatten)",
		"                          ^", `column 27: | stands inside parentheses, or ( before it is never closed`},
	{"flatten) | flatten", "       ^", `column 8: ) without (`},
	{"flatten | flatten)", "                 ^", `column 18: ) without (`},
	{strings.Repeat("time_distributed(", 9) + "flatten",
		"\x00", `column 153: there are more than 8 parentheses within each other`},
	{"flatten > input 3 | flatten",
		"          ^^^^^", `column 11: input may only stand as the first layer of the encoder`},
	{"flatten | input 3",
		"          ^^^^^", `column 11: input may only stand as the first layer of the encoder, not in the decoder`},

	// Characters.
	{`block "a | flatten`, "      ^", `column 7: " is never closed`},
	{"flatten > \x1b[31m | flatten", "          ^", `column 11: unexpected character "\x1b", want text in UTF-8`},
	{"flatten > d\xffnse 3 | flatten", "           ^", `column 12: unexpected character "\xff", want text in UTF-8`},
	{"ünknown 1 | flatten", "^^^^^^^", ""},

	// Lines.
	{"# a comment\nflatten\n\tdense 3 sleu\n|\nflatten",
		"         ^^^^", `line 3, column 10: unknown activation "sleu", did you mean "selu"?`},
	{"conv2d 8 3\n  strides=2\n| flatten",
		"  ^^^^^^^", `line 2, column 3: want a layer, got the option "strides"; options stand on the line of their layer`},
	{"flatten\ndense 3 # no bar\n\n", "       ^", `line 2, column 8: there is no | between encoder and decoder`},

	// Shapes, where they are known.
	{"input 28x28 > flatten > dense 3 | dense 100 > reshape 10x11",
		"                                                      ^^^^^", `column 55: reshape: cannot reshape 100 (100 elements) to 10×11`},
	{"input 28x28 > conv2d 8 3 | flatten",
		"              ^^^^^^", `column 15: conv2d: got samples of shape 28×28, want height×width×channels`},
	{"input 28x28 > flatten > dense 3 | dense 783 sigmoid",
		"                                  ^^^^^", `column 35: the decoder ends with dense in samples of shape 783, want 784 values as in the input of shape 28×28`},
	{"input 2x3 > permute 2,2 | flatten",
		"                    ^^^", `column 21: permute: order of axes is [2 2], want each of 1 to 2 once`},
	{"input 28x0 > flatten | flatten",
		"      ^^^^", `column 7: input is 28×0, want a shape such as 28x28 of positive numbers and reasonable size`},
	{"input 100000 > dense 5000 > dense 3 | dense 5000 > dense 100000",
		"                                                   ^^^^^", `column 52: dense: the network has more than 536870911 weights`},
	{"input 100000 > dense 100000 | dense 100000",
		"               ^^^^^", `column 16: dense: parameter kernel: tensor: shape 100000×100000 has more than 536870911 elements`},
	{"input 10000x10000 > time_distributed (dense 1000000) | flatten",
		"                    ^^^^^^^^^^^^^^^^", `column 21: time_distributed: Dense on steps of shape 10000: parameter kernel: tensor: shape 10000×1000000 has more than 536870911 elements`},
	{"input 100x5 > time_distributed (conv2d 3 3) | flatten",
		"              ^^^^^^^^^^^^^^^^", `column 15: time_distributed: Conv2D on steps of shape 5: got samples of shape 5, want height×width×channels`},
}

func TestErrorsPointAtTheWord(t *testing.T) {
	for _, c := range errorTexts {
		_, _, err := architecture.Parse(c.text)
		var e *architecture.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: got error %v, want an *Error", c.text, err)
			continue
		}
		if c.message != "" && err.Error() != "architecture: "+c.message {
			t.Errorf("%q:\n got %v\nwant architecture: %s", c.text, err, c.message)
		}
		if _, carets, _ := strings.Cut(e.Caret(), "\n"); c.carets != "\x00" && carets != c.carets {
			t.Errorf("%q:\n%s\nwant\n%s", c.text, e.Caret(), c.carets)
		}
	}
}

func TestParseForRefusesSamplesOfAnotherShape(t *testing.T) {
	for _, c := range []struct {
		shape         tensor.Shape
		text, message string
	}{
		{tensor.Shape{32, 32}, "input 28x28 > flatten | dense 784", "column 7: input is 28×28, but the samples are 32×32"},
		{tensor.Shape{32, 32}, "flatten > dense 3 | dense 784", "column 21: the decoder ends with dense in samples of shape 784, want 1024 values as in the input of shape 32×32"},
		{tensor.Shape{3, 0}, "flatten | flatten", "column 1: samples: shape 3×0: axis 1 has length 0, want at least 1"},
	} {
		_, _, err := architecture.ParseFor(c.shape, c.text)
		if err == nil || err.Error() != "architecture: "+c.message {
			t.Errorf("%v, %q:\n got %v\nwant architecture: %s", c.shape, c.text, err, c.message)
		}
	}
}

func TestParseRefusesMoreThanItCanHold(t *testing.T) {
	long := strings.Repeat(" ", 64<<10) + "flatten | flatten"
	many := strings.Repeat("flatten>", 600) + "flatten | flatten"
	for text, want := range map[string]string{
		long: "the text has 65553 bytes, want at most 65536",
		many: "there are more than 256 layers",
	} {
		if _, _, err := architecture.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCaretFitsATerminal(t *testing.T) {
	for _, before := range []int{0, 10, 70, 75, 76, 200} {
		for _, word := range []string{"x", strings.Repeat("y", 60), strings.Repeat("z", 300)} {
			text := strings.Repeat("flatten>", before) + word + " | flatten" + strings.Repeat(" > flatten", 50)
			_, _, err := architecture.Parse(text)
			line, carets, _ := strings.Cut(err.(*architecture.Error).Caret(), "\n")
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("%d layers before: line of %d characters, want at most 80", before, n)
			}
			at := strings.IndexByte(carets, '^')
			marked := string([]rune(line)[at:min(len(carets), utf8.RuneCountInString(line))])
			if marked == "" || !strings.HasPrefix(word, marked) {
				t.Errorf("%d layers before %s: carets mark %q\n%s\n%s", before, word, marked, line, carets)
			}
		}
	}
}
