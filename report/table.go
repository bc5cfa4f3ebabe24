package report

import (
	"encoding/json"
	"slices"
)

// table is what the page shows in rows and columns.
type table struct {
	Caption string
	Head    []string // of the columns; nil where the first column names the rows
	Rows    [][]string
	Numeric bool   // all cells are numbers, set flush right
	Long    bool   // folded up at first, under Summary
	Summary string // of a long table
}

// settingKeys are the top-level keys that stand in the settings, in their order.
// Everything else that is one word or number joins them behind.
var settingKeys = []string{"recipe", "dataset", "loss", "optimizer", "learning_rate", "batch_size", "epochs",
	"seed", "parameters", "threads", "simd", "version"}

// shownElsewhere reports whether another part of the page tells of a field: the
// tiles, a notice, the command to repeat the run.
func shownElsewhere(f Field) bool {
	ok := false
	switch f.Key {
	case "test_loss":
		_, ok = toFloat(f.Value)
	case "interrupted":
		_, ok = f.Value.(bool)
	case "command":
		_, ok = f.Value.(string)
	}
	return ok
}

// settings lists what was chosen for a run.
func settings(r Run, h history) table {
	t := table{Caption: "Settings"}
	row := func(group, key string, value any) {
		t.Rows = append(t.Rows, []string{label(group, key), format(group, key, value)})
	}
	for _, key := range settingKeys {
		value := r.Metrics.Get(key)
		if value == nil {
			value = r.Record.Get(key)
		}
		switch inner, isObject := value.(Object); {
		case key == "epochs":
			t.Rows = append(t.Rows, []string{label("", key), formatInt(len(h.epochs))})
		case isObject:
			for _, f := range inner {
				row(key, f.Key, f.Value)
			}
		case value != nil:
			row("", key, value)
		}
	}
	for _, f := range r.Metrics {
		if !slices.Contains(settingKeys, f.Key) && !shownElsewhere(f) && !isGroup(f.Value) {
			row("", f.Key, f.Value)
		}
	}
	return t
}

// results makes a table of every group of numbers that is not a setting: an
// object, or a list of objects.
func results(r Run) []table {
	var tables []table
	for _, f := range r.Metrics {
		if slices.Contains(settingKeys, f.Key) || !isGroup(f.Value) {
			continue
		}
		tables = append(tables, groupTables(f.Key, label("", f.Key), f.Value)...)
	}
	return tables
}

// isGroup reports whether a value needs a table of its own.
func isGroup(value any) bool {
	switch v := value.(type) {
	case Object:
		return true
	case []any:
		return isListOfObjects(v)
	}
	return false
}

func isListOfObjects(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool {
		_, ok := v.(Object)
		return !ok
	})
}

// groupTables makes a table of a group, and one of each group in it.
func groupTables(group, caption string, value any) []table {
	if list, ok := value.([]any); ok {
		return []table{listTable(group, caption, list)}
	}
	t := table{Caption: caption}
	var inner []table
	for _, f := range value.(Object) {
		if isGroup(f.Value) {
			inner = append(inner, groupTables(f.Key, caption+": "+label(group, f.Key), f.Value)...)
			continue
		}
		t.Rows = append(t.Rows, []string{label(group, f.Key), format(group, f.Key, f.Value)})
	}
	if t.Rows == nil {
		return inner
	}
	return append([]table{t}, inner...)
}

// listTable makes a row of each object, with columns for all keys that occur.
func listTable(group, caption string, list []any) table {
	t := table{Caption: caption, Numeric: true, Long: len(list) > longTable, Summary: caption}
	var keys []string
	for _, element := range list {
		for _, f := range element.(Object) {
			if !slices.Contains(keys, f.Key) {
				keys = append(keys, f.Key)
				t.Head = append(t.Head, label(group, f.Key))
			}
		}
	}
	for _, element := range list {
		row := make([]string, len(keys))
		for i, key := range keys {
			value := element.(Object).Get(key)
			if value != nil {
				row[i] = format(group, key, value)
			}
			if _, ok := value.(json.Number); !ok && value != nil {
				t.Numeric = false
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
