package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"hourglass/serve/batch"
	"hourglass/serve/inference"
	"hourglass/serve/oip"
	"hourglass/serve/registry"
)

// startGRPC opens the address for gRPC and serves it, calling stop if that ends. It
// returns a function that lets calls end until its context does.
func (s *Server) startGRPC(stop context.CancelCauseFunc) (net.Addr, func(context.Context) error, error) {
	listener, err := s.listen(s.config.GRPCAddr)
	if err != nil {
		return nil, nil, err
	}
	server := s.grpcServer()
	go func() {
		if err := server.Serve(listener); err != nil {
			stop(fmt.Errorf("serve: gRPC: %w", err))
		}
	}()
	drain := func(ctx context.Context) error {
		done := make(chan struct{})
		go func() {
			server.GracefulStop()
			close(done)
		}()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			server.Stop()
			return ctx.Err()
		}
	}
	return listener.Addr(), drain, nil
}

// maxCalls is how many calls over gRPC there are at a time. A message is in memory
// before anybody can ask how much is left, so that it may have that share of it.
const maxCalls = 128

// grpcServer returns a server of the protocol, within the limits that HTTP has.
func (s *Server) grpcServer() *grpc.Server {
	most := int(min(s.config.MaxBody, s.config.Memory/maxCalls, math.MaxInt32))
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(most), grpc.InTapHandle(s.tap), grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeader), grpc.ConnectionTimeout(headerTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: s.config.IdleTimeout, Timeout: s.config.ReadTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(s.intercept),
	}
	if s.config.TLSCert != "" {
		options = append(options, grpc.Creds(credentials.NewTLS(s.certificate.config())))
	}
	server := grpc.NewServer(options...)
	inference.RegisterGRPCInferenceServiceServer(server, &grpcService{server: s})
	reflection.Register(server)
	return server
}

// tap sees a call before its message is read. It limits how many calls there are,
// and how long each may take to arrive.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	err := s.admit(info.Header, info.FullMethodName)
	if err == nil && s.calls.Add(1) > maxCalls {
		s.calls.Add(-1)
		err = errMemory
	}
	if err != nil {
		_, err = s.noted(ctx, info.FullMethodName, "", trace{}, nil, err, 0)
		return nil, err
	}
	context.AfterFunc(ctx, func() { s.calls.Add(-1) })
	limited, cancel := context.WithTimeout(ctx, s.config.ReadTimeout+s.config.Timeout)
	context.AfterFunc(ctx, cancel)
	return limited, nil
}

// admit refuses calls without a token, or by a name that is not ours. Probes need no
// token.
func (s *Server) admit(md metadata.MD, method string) error {
	first := func(key string) string {
		if values := md.Get(key); len(values) > 0 {
			return values[0]
		}
		return ""
	}
	switch {
	case !s.hosts.allows(first(":authority")):
		return errHost
	case method == inference.GRPCInferenceService_ServerLive_FullMethodName, method == inference.GRPCInferenceService_ServerReady_FullMethodName:
		return nil
	case !s.tokens.Load().allow(first("authorization")):
		return errToken
	}
	return nil
}

// grpcCall is what is noted of a call.
type grpcCall struct {
	model  string
	memory share
}

type grpcCallKey struct{}

// intercept does for gRPC what handle does for HTTP.
func (s *Server) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	began := time.Now()
	c := &grpcCall{memory: share{budget: &s.memory}}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, grpcCallKey{}, c), s.config.Timeout)
	defer cancel()
	t := grpcTrace(ctx)
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicError{cause, debug.Stack()}
		}
		c.memory.release()
		answer, err = s.noted(ctx, info.FullMethod, c.model, t, answer, err, time.Since(began))
	}()
	return handler(ctx, request)
}

// grpcTrace returns the trace of a call and passes it on with the answer.
func grpcTrace(ctx context.Context) trace {
	md, _ := metadata.FromIncomingContext(ctx)
	parent, state := md.Get(traceParent), md.Get(traceState)
	if len(parent) == 0 {
		return trace{}
	}
	t := parseTrace(parent[0], append(state, "")[0])
	if t.id != "" {
		grpc.SetHeader(ctx, metadata.Pairs(traceParent, t.String(), traceState, t.state)) // fails only if headers were sent
	}
	return t
}

// noted counts a call and writes it down, and returns its error as gRPC has it.
func (s *Server) noted(ctx context.Context, method, model string, t trace, answer any, err error, took time.Duration) (any, error) {
	const fine = 200
	code, kind := fine, ""
	if err != nil {
		code, kind = statusOf(err)
	}
	s.metrics.request(method, model, code, kind, took)
	if kind != "" || s.config.LogRequests {
		remote := ""
		if p, ok := peer.FromContext(ctx); ok {
			remote = p.Addr.String()
		}
		s.log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("operation", method), slog.Int("status", code), slog.Duration("took", took),
			slog.String("remote", remote), slog.String("model", model), slog.String("error", kind), slog.String("trace_id", t.id))
	}
	if err == nil {
		return answer, nil
	}
	text := err.Error()
	if grpcCodes[code] == codes.Internal {
		s.log.Error("internal error", "operation", method, "model", model, "error", detail(err))
		text = "internal error"
	}
	return nil, status.Error(grpcCodes[code], text)
}

// grpcCodes are the codes for the statuses that requests over HTTP have.
var grpcCodes = map[int]codes.Code{
	400: codes.InvalidArgument, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.NotFound, 413: codes.InvalidArgument,
	421: codes.PermissionDenied, 422: codes.InvalidArgument, 429: codes.ResourceExhausted, statusClientGone: codes.Canceled,
	500: codes.Internal, 503: codes.Unavailable,
}

// grpcService answers the calls.
type grpcService struct {
	inference.UnimplementedGRPCInferenceServiceServer
	server *Server
}

func (g *grpcService) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

func (g *grpcService) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	return &inference.ServerReadyResponse{Ready: g.server.Ready()}, nil
}

func (g *grpcService) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	m := g.server.metadata()
	return &inference.ServerMetadataResponse{Name: m.Name, Version: m.Version, Extensions: m.Extensions}, nil
}

// find returns a model and notes its name for the metrics.
func (g *grpcService) find(ctx context.Context, name, version string) (registry.View, *registry.Entry, error) {
	view, entry, err := g.server.models.Find(name, version)
	if c, ok := ctx.Value(grpcCallKey{}).(*grpcCall); ok && entry != nil {
		c.model = entry.Name
	}
	return view, entry, err
}

func (g *grpcService) ModelReady(ctx context.Context, r *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	_, entry, err := g.find(ctx, r.Name, r.Version)
	if entry == nil || entry.VersionNames() != nil && err != nil {
		return nil, err
	}
	return &inference.ModelReadyResponse{Ready: err == nil && !g.server.draining.Load()}, nil
}

func (g *grpcService) ModelMetadata(ctx context.Context, r *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	view, entry, err := g.find(ctx, r.Name, r.Version)
	if err != nil {
		return nil, err
	}
	m := view.Metadata(entry.VersionNames())
	answer := &inference.ModelMetadataResponse{Name: m.Name, Versions: m.Versions, Platform: m.Platform}
	for _, t := range m.Inputs {
		answer.Inputs = append(answer.Inputs, &inference.ModelMetadataResponse_TensorMetadata{Name: t.Name, Datatype: t.Datatype, Shape: t.Shape})
	}
	for _, t := range m.Outputs {
		answer.Outputs = append(answer.Outputs, &inference.ModelMetadataResponse_TensorMetadata{Name: t.Name, Datatype: t.Datatype, Shape: t.Shape})
	}
	return answer, nil
}

func (g *grpcService) ModelInfer(ctx context.Context, r *inference.ModelInferRequest) (*inference.ModelInferResponse, error) {
	view, _, err := g.find(ctx, r.ModelName, r.ModelVersion)
	if err != nil {
		return nil, err
	}
	request, err := fromGRPC(r)
	if err != nil {
		return nil, err
	}
	p, err := plan(view, request)
	if err != nil {
		return nil, err
	}
	if n := p.bytes(); n > g.server.config.MaxBody {
		return nil, &tooLargeError{"the answer", g.server.config.MaxBody}
	} else if c, ok := ctx.Value(grpcCallKey{}).(*grpcCall); ok {
		if err := c.memory.take(2*n + 4*int64(len(request.Inputs[0].Data))); err != nil {
			return nil, err
		}
	}
	answer, err := p.run(ctx, request, batch.Unannounced)
	if err != nil {
		return nil, err
	}
	defer p.results.Recycle()
	return toGRPC(answer), nil
}

// fromGRPC reads a request as it comes over gRPC.
func fromGRPC(r *inference.ModelInferRequest) (*oip.Request, error) {
	raw := len(r.RawInputContents) > 0
	switch {
	case len(r.Inputs) != 1:
		return nil, fmt.Errorf("the request has %d inputs, want 1", len(r.Inputs))
	case raw && len(r.RawInputContents) != 1:
		return nil, fmt.Errorf("the request has %d raw_input_contents, want 1", len(r.RawInputContents))
	case len(r.Outputs) > oip.MaxTensors:
		return nil, fmt.Errorf("the request wants %d outputs, want at most %d", len(r.Outputs), oip.MaxTensors)
	case raw && r.Inputs[0].GetContents() != nil:
		return nil, errors.New("the request has contents and raw_input_contents, want one of them")
	}
	from := r.Inputs[0]
	in := oip.Input{Name: from.GetName(), Datatype: from.GetDatatype(), Shape: from.GetShape()}
	var err error
	switch contents := from.GetContents(); {
	case raw:
		err = in.SetBytes(r.RawInputContents[0])
	case in.Datatype == oip.FP64:
		for _, v := range contents.GetFp64Contents() {
			in.Data = append(in.Data, float32(v))
		}
		err = in.Check()
	default:
		in.Data = contents.GetFp32Contents()
		err = in.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", in.Name, err)
	}
	request := &oip.Request{ID: r.Id, Inputs: []oip.Input{in}, Parameters: map[string]any{}}
	for _, out := range r.Outputs {
		request.Outputs = append(request.Outputs, oip.Output{Name: out.GetName()})
	}
	for key, p := range r.Parameters {
		switch p := p.GetParameterChoice().(type) {
		case *inference.InferParameter_DoubleParam:
			request.Parameters[key] = p.DoubleParam
		case *inference.InferParameter_Int64Param:
			request.Parameters[key] = p.Int64Param
		}
	}
	return request, nil
}

// toGRPC returns an answer as it goes over gRPC, with the values as bytes.
func toGRPC(a *oip.Response) *inference.ModelInferResponse {
	answer := &inference.ModelInferResponse{ModelName: a.Model, ModelVersion: a.Version, Id: a.ID}
	for i := range a.Outputs {
		t := &a.Outputs[i]
		shape := make([]int64, len(t.Shape))
		for i, n := range t.Shape {
			shape[i] = int64(n)
		}
		answer.Outputs = append(answer.Outputs, &inference.ModelInferResponse_InferOutputTensor{Name: t.Name, Datatype: t.Datatype(), Shape: shape})
		answer.RawOutputContents = append(answer.RawOutputContents, t.AppendBytes(nil))
	}
	return answer
}
