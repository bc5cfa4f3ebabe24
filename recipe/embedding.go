package recipe

import (
	"context"
	"errors"
	"strings"
	"time"

	"hourglass/figure"
	"hourglass/tsne"
)

// Embedding says how a map of codes came about.
type Embedding struct {
	Points     int     `json:"points"`
	Perplexity float64 `json:"perplexity"`
	Iterations int     `json:"iterations"`
	KL         float64 `json:"kl"` // Kullback–Leibler divergence of the map from the codes
	Seconds    float64 `json:"seconds"`
}

// mapFigure is the name of the map with thumbnails, the lecture's for MNIST.
func mapFigure(dataset string) string {
	return strings.ReplaceAll(dataset, "-", "_") + "_visualization_plot.png"
}

// showMap makes a t-SNE map of the validation images' codes and draws it twice:
// as dots in the labels' colours, and with thumbnails of the images.
func (s *Session) showMap(ctx context.Context) error {
	images := s.Data.Validation
	validation, err := s.encodeLabelled(ctx, images)
	if err != nil {
		return err
	}
	start := time.Now()
	embedding, err := tsne.Embed(ctx, validation.Codes, tsne.Options{
		Seed: s.Options.Seed, Threads: s.Options.Threads, Observe: s.tellEmbedding})
	if err != nil {
		return err
	}
	s.Metrics.TSNE = &Embedding{images.Len(), 30, embedding.Iteration(), embedding.KL(), time.Since(start).Seconds()}
	points := embedding.Points()
	return errors.Join(
		s.Draw(scatterFigure)(figure.Scatter(points, validation.Labels, figure.ScatterOptions{Names: images.Classes})),
		s.Draw(mapFigure(s.mapName()))(figure.Thumbnails(points, validation.Labels, images.Tensor(0, images.Len()), figure.ThumbnailOptions{})))
}

// mapName is the data set's name if it has one, not the path it was read from.
func (s *Session) mapName() string {
	if strings.ContainsAny(s.Data.Name, `/\`) {
		return "own"
	}
	return s.Data.Name
}

// tellEmbedding tells of the stages of a map and of every 250th iteration.
func (s *Session) tellEmbedding(e tsne.Event) error {
	const every = 250
	switch {
	case e.Embedding == nil:
		s.Logf("t-SNE: %v\n", e.Stage)
	case e.Iteration > 0 && e.Iteration%every == 0:
		s.Logf("t-SNE: %v, iteration %d of %d, KL %.3f\n", e.Stage, e.Iteration, e.Iterations, e.Embedding.KL())
	}
	return nil
}
