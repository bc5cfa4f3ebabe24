package dataset

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeLayouts are those of times in text, the commonest first. Fractions of a second may
// follow the seconds. Days and months between slashes are left out: 03/04/2026 is in March
// for some and in April for others.
var timeLayouts = []string{
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 -0700 MST",
	"2006-01-02T15:04:05-0700",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	"2006-01-02T15:04Z07:00",
	"2006-01-02",
	"2006/01/02 15:04:05",
	"2006/01/02 15:04",
	"2006/01/02",
	"02.01.2006 15:04:05",
	"02.01.2006 15:04",
	"02.01.2006",
	"2.1.2006 15:04:05",
	"2.1.2006 15:04",
	"2.1.2006",
	"20060102T150405Z07:00",
	"20060102T150405",
	"02/Jan/2006:15:04:05 -0700",
	time.RFC1123,
	time.RFC1123Z,
	time.ANSIC,
}

// ParseTime returns the seconds since 1970 that a text is: of a date with or without a
// time as ISO 8601 has it (2026-11-27T10:14:33Z, 2026-11-27 10:14), 2026/11/27,
// 27.11.2026, or as logs of web servers have it; or of a number, which are seconds, or
// milli-, micro- or nanoseconds if there are more than 10¹¹, 10¹⁴ or 10¹⁷ of them.
// Times without a zone are taken to be in UTC.
func ParseTime(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return 0, fmt.Errorf("time %.40q, want a finite number of seconds or a date", text)
		}
		for _, unit := range []float64{1e9, 1e6, 1e3} {
			if math.Abs(v) >= 1e8*unit {
				return v / unit, nil
			}
		}
		return v, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
		}
	}
	return 0, fmt.Errorf("time %.40q, want a date such as 2026-11-27 10:14:33 or 2026-11-27T10:14:33Z, or a number of seconds", text)
}
