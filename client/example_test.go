package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"hourglass/client"
	"hourglass/tensor"
)

// An answer as a server of models gives it, for an input of one image.
func answerOfAServer(w http.ResponseWriter, _ *http.Request) {
	const text = `{"model_name":"stacked","outputs":[{"name":"codes","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}`
	w.Header().Set("Inference-Header-Content-Length", fmt.Sprint(len(text)))
	fmt.Fprint(w, text, "\x00\x00\x80\x3f\x00\x00\x00\x40")
}

func Example() {
	server := httptest.NewServer(http.HandlerFunc(answerOfAServer)) // or hourglass serve
	defer server.Close()

	c, err := client.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	images := tensor.New(1, 28, 28)
	codes, err := c.Encode(context.Background(), "stacked", images)
	fmt.Println(codes.Shape, codes.Data, err)
	// Output: 1×2 [1 2] <nil>
}
