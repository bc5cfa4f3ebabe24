package architecture

import (
	"slices"
	"strings"
)

// Usage lists all layers there are with their arguments and options, a line each,
// for a command's help:
//
//	dense UNITS [ACTIVATION] [no_bias] [kernel_initializer=NAME] [bias_initializer=NAME]
func Usage() string {
	var b strings.Builder
	for _, s := range newCatalog().specs {
		b.WriteString(s.usage())
		for i, f := range s.fields {
			switch {
			case slices.Contains(s.positional, i):
			case f.value.kind == flagValue && !f.value.optional:
				b.WriteString(" [" + f.name + "]")
			default:
				b.WriteString(" [" + f.name + "=" + f.value.pattern() + "]")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
