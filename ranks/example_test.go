package ranks_test

import (
	"fmt"
	"sync"

	"hourglass/ranks"
)

// Three ranks square the numbers from 0 to 7, each some of them, and all have all squares.
func ExampleExchange() {
	var wait sync.WaitGroup
	results := make([][]float32, 3)
	for _, g := range ranks.Local(3) {
		wait.Go(func() {
			squares := make([]float32, 8)
			lo, hi := ranks.Share(g.Rank(), g.Size(), len(squares), 1)
			for i := lo; i < hi; i++ {
				squares[i] = float32(i * i)
			}
			if err := ranks.NewExchange(g).Arrays(ranks.Of(squares, len(squares))); err != nil {
				fmt.Println(err)
			}
			results[g.Rank()] = squares
		})
	}
	wait.Wait()
	for rank, squares := range results {
		fmt.Println(rank, squares)
	}
	// Output:
	// 0 [0 1 4 9 16 25 36 49]
	// 1 [0 1 4 9 16 25 36 49]
	// 2 [0 1 4 9 16 25 36 49]
}
