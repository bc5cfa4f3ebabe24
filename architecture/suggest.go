package architecture

import "strings"

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// fold reduces a name to what matters in comparing it: kernel_size, KernelSize and
// Kernel-Size are the same.
func fold(name string) string { return separators.Replace(strings.ToLower(name)) }

// suggestion returns a question after the candidate that a misspelt word is
// closest to, and nothing where none is close.
func suggestion(word string, candidates []string) string {
	folded := fold(word)
	if len(folded) > longestWord {
		return ""
	}
	best, distance := "", 1+max(1, len(folded)/3)
	for _, c := range candidates {
		if d := editDistance(folded, fold(c)); d < distance && d < len(folded) {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean \"" + best + "\"?"
}

// editDistance counts the characters to insert, delete, replace or swap with their
// neighbour that lead from a to b, none of them twice (optimal string alignment).
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	older, old, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		older, old, row = old, row, older
		row[0] = i
		for j := 1; j <= len(t); j++ {
			replaced := old[j-1]
			if s[i-1] != t[j-1] {
				replaced++
			}
			row[j] = min(replaced, old[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return row[len(t)]
}
