// Command service answers over HTTP whether samples fit a trained autoencoder: a
// program to copy from. (hourglass serve is a service that is finished.)
//
//	service -model runs/wine/model.safetensors
//	curl -d '[[14.2, 1.7, 2.4]]' localhost:8081/score
//
// answers [{"score":0.021,"outlier":false}].
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"time"

	"hourglass"
	"hourglass/tensor"
)

func main() {
	model := flag.String("model", "model.safetensors", "model `file`")
	addr := flag.String("addr", "127.0.0.1:8081", "`address` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *model, *addr); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, model, addr string) error {
	ae, err := hourglass.Load(model) // or hourglass.ReadFS, for a model embedded in the program
	if err != nil {
		return err
	}
	s, err := newScorer(ae, 0.99)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, Handler: s, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// scorer answers requests with an autoencoder, which any number of goroutines may use.
type scorer struct {
	ae        *hourglass.Autoencoder
	threshold float64
	free      chan struct{} // as many tokens as calls may run at once
}

// newScorer calls samples outliers that score higher than a share of normal ones.
func newScorer(ae *hourglass.Autoencoder, share float64) (*scorer, error) {
	threshold, err := ae.Threshold(share)
	if err != nil {
		return nil, err
	}
	ae.SetThreads(1) // many requests share the cores better than each request could
	return &scorer{ae, threshold, make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// verdict is the answer for a sample.
type verdict struct {
	Score   float64 `json:"score"`
	Outlier bool    `json:"outlier"`
}

// ServeHTTP takes samples as rows of JSON and answers with a verdict for each.
func (s *scorer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const most = 1 << 20 // bytes of a request
	samples, err := readRows(json.NewDecoder(http.MaxBytesReader(w, r.Body, most)), s.ae.Encoder().Input())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.free <- struct{}{}:
		defer func() { <-s.free }()
	case <-r.Context().Done():
		return
	}
	results, err := s.ae.Run(r.Context(), samples, hourglass.Want{Scores: true})
	if err != nil { // such as a value that is not finite
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	verdicts := make([]verdict, len(results.Scores))
	for i, score := range results.Scores {
		verdicts[i] = verdict{score, score > s.threshold}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(verdicts)
}

// readRows reads samples of a shape, each a row of all its values.
func readRows(d *json.Decoder, shape tensor.Shape) (tensor.Tensor, error) {
	var rows [][]float32
	if err := d.Decode(&rows); err != nil {
		return tensor.Tensor{}, fmt.Errorf("want samples as rows of JSON, [[1, 2], [3, 4]]: %w", err)
	}
	if len(rows) == 0 {
		return tensor.Tensor{}, errors.New("no samples")
	}
	samples := tensor.New(append([]int{len(rows)}, shape...)...)
	for i, row := range rows {
		if len(row) != shape.Size() {
			return tensor.Tensor{}, fmt.Errorf("sample %d has %d values, want %d", i, len(row), shape.Size())
		}
		copy(samples.Row(i), row)
	}
	return samples, nil
}
