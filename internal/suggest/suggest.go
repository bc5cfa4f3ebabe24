// Package suggest guesses what a misspelt word was meant to be.
package suggest

import "strings"

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// longest is how many characters a word may have to be guessed at.
const longest = 40

// Fold reduces a name to what matters in comparing it: kernel_size, KernelSize and
// Kernel-Size are the same.
func Fold(name string) string { return separators.Replace(strings.ToLower(name)) }

// Question returns a question after the candidate that a misspelt word is closest to,
// to be put after a message: `, did you mean "relu"?`. It is empty where none is close.
func Question(word string, candidates []string) string {
	if best := Closest(word, candidates); best != "" {
		return ", did you mean \"" + best + "\"?"
	}
	return ""
}

// Closest returns the candidate that a misspelt word is closest to, the first of equals,
// and nothing where none is close: at most a third of its characters may be wrong, or
// one.
func Closest(word string, candidates []string) string {
	folded := Fold(word)
	if len(folded) > longest {
		return ""
	}
	best, distance := "", 1+max(1, len(folded)/3)
	for _, c := range candidates {
		if d := editDistance(folded, Fold(c)); d < distance && d < len(folded) {
			best, distance = c, d
		}
	}
	return best
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
