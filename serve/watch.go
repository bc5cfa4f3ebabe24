package serve

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must have been left alone before they are read: who
// copies a file writes it piece by piece.
const settle = 300 * time.Millisecond

// watch reads again what changes until ctx ends. Folders are watched and not files,
// since a file that is replaced is another one.
func (s *Server) watch(ctx context.Context) (*fsnotify.Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("serve: watch files: %w", err)
	}
	s.watchFolders(w)
	go func() {
		timer := time.NewTimer(0)
		<-timer.C
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-w.Events:
				if !ok {
					return
				}
				timer.Reset(settle)
			case err, ok := <-w.Errors:
				if !ok {
					return
				}
				s.log.Warn("watching files", "error", err)
				timer.Reset(settle) // something may have been missed
			case <-timer.C:
				s.Reload(ctx, nil) // says itself what went wrong
			case <-s.moved:
				s.watchFolders(w)
			}
		}
	}()
	return w, nil
}

// watchFolders watches every folder in which something of the server's lies.
func (s *Server) watchFolders(w *fsnotify.Watcher) {
	folders := s.models.Paths()
	for _, file := range []string{s.config.Tokens, s.config.TLSCert, s.config.TLSKey} {
		if file != "" {
			folders = append(folders, filepath.Dir(file))
		}
	}
	for _, folder := range folders {
		if err := w.Add(folder); err != nil {
			s.log.Warn("changes in a folder will not be noticed", "folder", folder, "error", err)
		}
	}
}
