package serve

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"hourglass/serve/inference"
)

// running is a server that listens.
type running struct {
	*Server
	url, grpc string
	stop      func() error // lets it drain, and returns what Run does
}

// start runs a server until the test ends.
func start(t testing.TB, c Config) *running {
	t.Helper()
	r := &running{Server: newServer(t, c)}
	ctx, cancel := context.WithCancel(context.Background())
	addrs, done := make(chan [2]net.Addr, 1), make(chan error, 1)
	go func() {
		done <- r.Run(ctx, func(http, grpc net.Addr) { addrs <- [2]net.Addr{http, grpc} })
	}()
	select {
	case a := <-addrs:
		scheme := "http"
		if c.TLSCert != "" {
			scheme = "https"
		}
		r.url = fmt.Sprintf("%s://%s", scheme, a[0])
		if a[1] != nil {
			r.grpc = a[1].String()
		}
	case err := <-done:
		t.Fatal(err)
	}
	stopped := false
	r.stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

// dial returns a client for gRPC.
func dial(t testing.TB, addr string) (inference.GRPCInferenceServiceClient, *grpc.ClientConn) {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return inference.NewGRPCInferenceServiceClient(conn), conn
}

func TestGRPC(t *testing.T) {
	c, ae := testConfig(t)
	c.GRPCAddr = "127.0.0.1:0"
	s := start(t, c)
	client, conn := dial(t, s.grpc)
	ctx := context.Background()
	if r, err := client.ServerLive(ctx, &inference.ServerLiveRequest{}); err != nil || !r.Live {
		t.Errorf("live: %v, %v", r, err)
	}
	if r, err := client.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil || !r.Ready {
		t.Errorf("ready: %v, %v", r, err)
	}
	if r, err := client.ServerMetadata(ctx, &inference.ServerMetadataRequest{}); err != nil || r.Name != "hourglass" || r.Version != "v1.2.3" {
		t.Errorf("metadata: %v, %v", r, err)
	}
	if r, err := client.ModelReady(ctx, &inference.ModelReadyRequest{Name: "m", Version: "1"}); err != nil || !r.Ready {
		t.Errorf("model ready: %v, %v", r, err)
	}
	if r, err := client.ModelMetadata(ctx, &inference.ModelMetadataRequest{Name: "m"}); err != nil || len(r.Outputs) != 4 || fmt.Sprint(r.Inputs[0].Shape) != "[-1 6 4]" {
		t.Errorf("model metadata: %v, %v", r, err)
	}
	if _, err := client.ModelMetadata(ctx, &inference.ModelMetadataRequest{Name: "other"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown model: %v", err)
	}
	x := samples(3, 5)
	want, _ := ae.Encode(x)
	request := &inference.ModelInferRequest{ModelName: "m", Id: "7",
		Inputs: []*inference.ModelInferRequest_InferInputTensor{{Name: "input", Datatype: "FP32", Shape: []int64{5, 6, 4},
			Contents: &inference.InferTensorContents{Fp32Contents: x.Data}}},
		Outputs: []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "codes"}},
	}
	check := func(how string) {
		t.Helper()
		r, err := client.ModelInfer(ctx, request)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if r.Id != "7" || r.ModelVersion != "1" || len(r.Outputs) != 1 || r.Outputs[0].Datatype != "FP32" || fmt.Sprint(r.Outputs[0].Shape) != "[5 3]" {
			t.Errorf("%s: %v", how, r)
		}
		got := make([]float32, len(want.Data))
		for i := range got {
			got[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.RawOutputContents[0][4*i:]))
		}
		if !sameBits(got, want.Data) {
			t.Errorf("%s: the codes are not the library's", how)
		}
	}
	check("contents")
	var raw []byte
	for _, v := range x.Data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	request.Inputs[0].Contents, request.RawInputContents = nil, [][]byte{raw}
	check("raw contents")
	request.Inputs[0].Contents = &inference.InferTensorContents{}
	for _, c := range []struct {
		what  string
		spoil func() // it stays spoiled for the next
	}{
		{"contents twice", func() {}},
		{"NaN", func() { request.Inputs[0].Contents = nil; copy(raw, "\xff\xff\xff\xff") }},
		{"too few bytes", func() { request.RawInputContents[0] = raw[:8] }},
		{"a bad shape", func() { request.Inputs[0].Shape = []int64{-1, 1 << 62} }},
		{"no shape", func() { request.Inputs[0].Shape = nil }},
		{"no input", func() { request.Inputs, request.RawInputContents = nil, nil }},
	} {
		c.spoil()
		if _, err := client.ModelInfer(ctx, request); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want an invalid argument", c.what, err)
		}
	}
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}})
	list, err := stream.Recv()
	if err != nil || !strings.Contains(list.String(), "inference.GRPCInferenceService") {
		t.Errorf("reflection: %v, %v", list, err)
	}
	stream.CloseSend()
	eventually(t, "all calls have ended", func() bool { return s.calls.Load() == 0 })
}

func TestGRPCGuards(t *testing.T) {
	c, _ := testConfig(t)
	c.GRPCAddr, c.Tokens = "127.0.0.1:0", tokenFile(t)
	s := start(t, c)
	client, _ := dial(t, s.grpc)
	ctx := context.Background()
	if _, err := client.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil {
		t.Errorf("a probe needs a token: %v", err)
	}
	if _, err := client.ServerMetadata(ctx, &inference.ServerMetadataRequest{}); err == nil {
		t.Error("a call without a token is let in")
	}
	if _, err := client.ServerMetadata(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+testToken), &inference.ServerMetadataRequest{}); err != nil {
		t.Errorf("a call with a token is not let in: %v", err)
	}
	conn, err := grpc.NewClient(s.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("evil.example"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := inference.NewGRPCInferenceServiceClient(conn).ServerLive(ctx, &inference.ServerLiveRequest{}); err == nil {
		t.Error("a call by a name that is not ours is let in")
	}
}
