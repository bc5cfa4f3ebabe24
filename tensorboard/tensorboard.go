// Package tensorboard writes the scalars of a training run as TensorBoard reads them.
//
// An [Events] is an observer. It keeps Keras' layout, so that
//
//	tensorboard --logdir DIR
//
// shows the training and the validation curve of a metric in one chart:
//
//	DIR/train       epoch_loss, epoch_METRIC; for every step batch_loss and learning_rate
//	DIR/validation  epoch_loss, epoch_METRIC
//
// The files are lists of records (TFRecord), each an Event in protobuf's encoding; see
// record.go and [tensorflow/core/util/event.proto].
//
// [tensorflow/core/util/event.proto]: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hourglass/train"
)

// The folders below Dir, those of Keras' callback.
const (
	trainFolder      = "train"
	validationFolder = "validation"
)

// Events writes the scalars of a run into files below Dir, which it makes if need be. A
// run that goes on writes into new files beside those that are there. Use a new one for
// every run.
type Events struct {
	Dir string

	training, validation *file
	record               []byte // reused from step to step
	now                  func() time.Time
}

var _ train.Observer = (*Events)(nil)

// file is a file of events.
type file struct {
	*os.File
	buffer *bufio.Writer
}

// Observe follows steps and epochs.
func (t *Events) Observe(e train.Event, r *train.Run) (err error) {
	switch e {
	case train.Started:
		if t.now == nil {
			t.now = time.Now
		}
		t.training, err = t.open(trainFolder)
	case train.Stepped:
		step := int64(r.State.Step)
		err = errors.Join(t.write(t.training, step, "batch_loss", r.BatchLoss), t.write(t.training, step, "learning_rate", r.State.Rate))
	case train.EpochEnded:
		err = t.epoch(r)
	case train.Ended:
		err = errors.Join(t.training.close(), t.validation.close())
	}
	if err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	return nil
}

// epoch writes what an epoch came to.
func (t *Events) epoch(r *train.Run) error {
	last := r.History.Last()
	if err := t.scores(t.training, r, last.Epoch, last.Train); err != nil || last.Validation == nil {
		return err
	}
	if t.validation == nil {
		f, err := t.open(validationFolder)
		if err != nil {
			return err
		}
		t.validation = f
	}
	return t.scores(t.validation, r, last.Epoch, *last.Validation)
}

// scores writes a loss and metrics, and sees to it that they can be read now.
func (t *Events) scores(f *file, r *train.Run, epoch int, s train.Scores) error {
	err := t.write(f, int64(epoch), "epoch_loss", s.Loss)
	for i, name := range r.History.Metrics {
		err = errors.Join(err, t.write(f, int64(epoch), "epoch_"+name, s.Metrics[i]))
	}
	return errors.Join(err, f.buffer.Flush())
}

// open makes a file of events in a folder below Dir. Its name, with the time and the
// machine in it as TensorFlow's have, is one that no other file has.
func (t *Events) open(folder string) (*file, error) {
	dir := filepath.Join(t.Dir, folder)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	now := t.now()
	opened, err := os.CreateTemp(dir, fmt.Sprintf("events.out.tfevents.%010d.%s.*", now.Unix(), host))
	if err != nil {
		return nil, err
	}
	f := &file{opened, bufio.NewWriter(opened)}
	_, err = f.buffer.Write(appendRecord(nil, appendVersion(nil, now)))
	return f, err
}

// write writes a number of a step or an epoch.
func (t *Events) write(f *file, step int64, tag string, value float64) error {
	t.record = appendRecord(t.record[:0], appendScalar(nil, t.now(), step, tag, float32(value)))
	_, err := f.buffer.Write(t.record)
	return err
}

// close closes a file, if there is one.
func (f *file) close() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.buffer.Flush(), f.File.Close())
}
