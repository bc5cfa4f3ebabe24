package digits_test

import (
	"fmt"

	"hourglass/dataset/digits"
)

// One digit in characters.
func ExampleDraw() {
	img := make([]byte, digits.Side*digits.Side)
	label := digits.Draw(42, 3, img)
	fmt.Println("a", label)
	for y := 3; y < 25; y++ {
		line := ""
		for _, v := range img[y*digits.Side:][:digits.Side] {
			line += string(" .:*#"[int(v)*4/255])
		}
		fmt.Printf("|%s|\n", line)
	}
	// Output:
	// a 5
	// |                            |
	// |                            |
	// |              :*:::..       |
	// |             :#######.      |
	// |            .########:      |
	// |            *###:::::       |
	// |           .###*            |
	// |           :###:            |
	// |           *##*:.           |
	// |          :######:          |
	// |          *######*          |
	// |          *##*:##*          |
	// |          :*::###.          |
	// |            :###:           |
	// |           :###*            |
	// |         .*###*.            |
	// |       .:####*.             |
	// |      :#####*.              |
	// |      :####*.               |
	// |      .**:.                 |
	// |                            |
	// |                            |
}
