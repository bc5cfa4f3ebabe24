"""PyTorch behind FastAPI and uvicorn, as fast as we know to make it.

    MODEL=model.safetensors python3 fastapi_server.py PORT WORKERS

It answers requests of the Open Inference Protocol for reconstructions, as JSON or with
binary tensors. The network is traced and frozen; requests are read without models of
pydantic, which would take longer than all the rest; uvicorn takes uvloop and httptools
where they are installed.
"""

import json
import os
import sys
import warnings

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Request, Response

from model import load

warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # it is only read
torch.set_num_threads(1)
with torch.no_grad():
    net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(load(os.environ["MODEL"]), torch.zeros(1, 28, 28))))

app = FastAPI()
LENGTH = "inference-header-content-length"


@app.post("/v2/models/stacked/infer")
async def infer(request: Request):
    body = await request.body()
    binary = LENGTH in request.headers
    if binary:
        n = int(request.headers[LENGTH])
        tensor = json.loads(body[:n])["inputs"][0]
        x = np.frombuffer(body, "<f4", offset=n)
    else:
        tensor = json.loads(body)["inputs"][0]
        x = np.array(tensor["data"], np.float32)
    with torch.no_grad():
        y = net(torch.from_numpy(x.reshape(tensor["shape"]))).numpy()
    output = {"name": "reconstruction", "datatype": "FP32", "shape": y.shape}
    answer = {"model_name": "stacked", "outputs": [output]}
    if not binary:
        output["data"] = y.ravel().tolist()
        return Response(json.dumps(answer), media_type="application/json")
    raw = y.tobytes()
    output["parameters"] = {"binary_data_size": len(raw)}
    text = json.dumps(answer).encode()
    return Response(text + raw, media_type="application/octet-stream", headers={LENGTH: str(len(text))})


if __name__ == "__main__":
    uvicorn.run("fastapi_server:app", host="127.0.0.1", port=int(sys.argv[1]), workers=int(sys.argv[2]), log_level="error", access_log=False)
