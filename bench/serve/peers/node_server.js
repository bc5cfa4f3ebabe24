// ONNX Runtime behind Node's http, as fast as we know to make it.
//
//	MODEL=model.onnx node node_server.js PORT WORKERS
//
// It answers requests of the Open Inference Protocol for reconstructions, as JSON or
// with binary tensors.
"use strict";

const cluster = require("cluster");
const http = require("http");

const port = Number(process.argv[2]), workers = Number(process.argv[3]);
const length = "inference-header-content-length";

async function serve() {
	const ort = require(process.env.ORT || "onnxruntime-node");
	const session = await ort.InferenceSession.create(process.env.MODEL, { intraOpNumThreads: 1, interOpNumThreads: 1 });

	async function infer(request, body, response) {
		const n = request.headers[length];
		let tensor, x;
		if (n !== undefined) {
			tensor = JSON.parse(body.subarray(0, Number(n)).toString()).inputs[0];
			const raw = body.subarray(Number(n));
			// A Float32Array wants its bytes at a multiple of four.
			x = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
		} else {
			tensor = JSON.parse(body.toString()).inputs[0];
			x = Float32Array.from(tensor.data);
		}
		const y = (await session.run({ input: new ort.Tensor("float32", x, tensor.shape) })).reconstruction;
		const output = { name: "reconstruction", datatype: "FP32", shape: y.dims };
		const answer = { model_name: "stacked", outputs: [output] };
		if (n === undefined) {
			output.data = Array.from(y.data);
			const text = JSON.stringify(answer);
			response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
			response.end(text);
			return;
		}
		output.parameters = { binary_data_size: y.data.byteLength };
		const text = Buffer.from(JSON.stringify(answer));
		const raw = Buffer.from(y.data.buffer, y.data.byteOffset, y.data.byteLength);
		response.writeHead(200, { "Content-Type": "application/octet-stream", [length]: text.length, "Content-Length": text.length + raw.length });
		response.write(text);
		response.end(raw);
	}

	http.createServer((request, response) => {
		const chunks = [];
		request.on("data", (chunk) => chunks.push(chunk));
		request.on("end", () => {
			const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
			infer(request, body, response).catch((error) => {
				response.writeHead(400);
				response.end(String(error));
			});
		});
	}).listen(port, "127.0.0.1");
}

if (workers > 1 && cluster.isPrimary) {
	for (let i = 0; i < workers; i++) cluster.fork();
} else {
	serve();
}
