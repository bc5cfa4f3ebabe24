package main

import (
	"errors"
	"strings"

	"hourglass/dataset"
)

// hint returns what to add to an error: the flags that help, which the libraries
// below do not know.
func hint(err error) string {
	var columns *dataset.ColumnsError
	switch {
	case errors.As(err, new(*dataset.UnreadableError)):
		return "; --skip-unreadable goes on without such files"
	case errors.Is(err, dataset.ErrUnavailable):
		return "; --data-dir FOLDER says where its files are, and the built-in digits (--dataset digits, or digits as DATA) need none"
	case errors.As(err, &columns):
		const most = 8
		if len(columns.Names) > most {
			return "; --ignore NAME leaves a column out, --label NAME takes it for the labels"
		}
		var flags strings.Builder
		for _, name := range columns.Names {
			flags.WriteString(" --ignore " + quoted(name))
		}
		if columns.Text {
			return "; to leave out:" + flags.String() + ", or all such: --ignore-text"
		}
		return "; to leave out:" + flags.String()
	}
	return ""
}
