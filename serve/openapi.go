package serve

import (
	"hourglass/serve/oip"
	"hourglass/serve/payload"
	"hourglass/serve/registry"
)

// object is a JSON object that is written here.
type object = map[string]any

// openAPI answers with a description of everything the server answers to
// (https://spec.openapis.org/oas/v3.1.0), its models by name.
func (s *Server) openAPI(c *call) error {
	var names []string
	verbsOf := object{}
	for _, e := range s.models.Entries() {
		view, _, err := s.models.Find(e.Name, "")
		if err != nil {
			continue
		}
		names = append(names, e.Name, e.Name+"."+string(registry.Encoder))
		if view.Decoder().Complete() == nil {
			names = append(names, e.Name+"."+string(registry.Decoder))
		}
		for _, v := range verbs {
			if v.fits(view.Model) {
				verbsOf["/models/"+e.Name+"/"+v.name] = object{"post": s.describeVerb(v, view.Model)}
			}
		}
	}
	paths := s.describeProtocol(names)
	for path, item := range verbsOf {
		paths[path] = item
	}
	paths["/models"] = object{"get": operation("List the models", "service", answers("The models", object{"type": "object"}))}
	paths["/metrics"] = object{"get": operation("Metrics for Prometheus", "service",
		object{"200": object{"description": "Metrics", "content": object{"text/plain": object{}}}})}
	d := object{
		"openapi": "3.1.0",
		"info": object{"title": "Hourglass", "version": s.version,
			"description": "Autoencoders behind HTTP: the Open Inference Protocol, version 2, and requests as a person would make them."},
		"paths":      paths,
		"components": object{"schemas": schemas()},
	}
	if s.config.Tokens != "" {
		d["security"] = []object{{"bearer": []string{}}}
		d["components"].(object)["securitySchemes"] = object{"bearer": object{"type": "http", "scheme": "bearer"}}
	}
	return c.json(d)
}

func reference(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// operation describes one thing that can be asked for.
func operation(summary, tag string, responses object, parameters ...object) object {
	o := object{"summary": summary, "tags": []string{tag}, "responses": responses}
	if parameters != nil {
		o["parameters"] = parameters
	}
	return o
}

// answers describes an answer as JSON, and the errors there may be instead.
func answers(description string, schema object) object {
	return object{
		"200":     object{"description": description, "content": object{"application/json": object{"schema": schema}}},
		"default": object{"description": "What was wrong", "content": object{"application/json": object{"schema": reference("error")}}},
	}
}

// describeProtocol describes the paths of the Open Inference Protocol.
func (s *Server) describeProtocol(names []string) object {
	model := object{"name": "model", "in": "path", "required": true, "schema": object{"type": "string", "enum": names}}
	version := object{"name": "version", "in": "path", "required": true, "schema": object{"type": "string"}}
	length := object{"name": oip.HeaderLength, "in": "header", "schema": object{"type": "integer"},
		"description": "How many bytes of the body are JSON, where binary tensors follow"}
	const tag = "Open Inference Protocol"
	flag := func(name string) object {
		return object{"type": "object", "properties": object{name: object{"type": "boolean"}}}
	}
	paths := object{
		"/v2":              object{"get": operation("Describe the server", tag, answers("The server", object{"type": "object"}))},
		"/v2/health/live":  object{"get": operation("Whether the server runs", tag, answers("It does", flag("live")))},
		"/v2/health/ready": object{"get": operation("Whether all models can be used", tag, answers("They can", flag("ready")))},
	}
	for prefix, parameters := range map[string][]object{
		"/v2/models/{model}": {model}, "/v2/models/{model}/versions/{version}": {model, version},
	} {
		infer := operation("Run a model", tag, answers("Its outputs", reference("inference_response")), append(parameters, length)...)
		infer["requestBody"] = object{"required": true, "content": object{
			"application/json":         object{"schema": reference("inference_request")},
			"application/octet-stream": object{"schema": object{"type": "string", "format": "binary"}},
		}}
		paths[prefix] = object{"get": operation("Describe a model", tag, answers("The model", reference("model_metadata")), parameters...)}
		paths[prefix+"/ready"] = object{"get": operation("Whether a model can be used", tag, answers("It can", flag("ready")), parameters...)}
		paths[prefix+"/infer"] = object{"post": infer}
	}
	return paths
}

// describeVerb describes what a person can ask of a model.
func (s *Server) describeVerb(v verb, m *registry.Model) object {
	content := func(kinds []payload.Kind) object {
		o := object{}
		for _, kind := range kinds {
			schema := object{"type": "string", "format": "binary"}
			switch kind {
			case payload.JSON:
				schema = reference("rows")
			case payload.CSV:
				schema = object{"type": "string"}
			}
			o[string(kind)] = object{"schema": schema}
		}
		return o
	}
	inputs := []payload.Kind{payload.JSON, payload.CSV, payload.NPY}
	if isPicture(m) && v.name != "decode" {
		inputs = payload.Kinds()
	}
	outputs := content(v.possible(m))
	outputs[string(payload.JSON)] = object{"schema": object{"type": "object"}}
	o := operation(v.summary, m.Name, object{
		"200":     object{"description": "In the kind of the request, or as the Accept header says", "content": outputs},
		"default": object{"description": "What was wrong", "content": object{"application/json": object{"schema": reference("error")}}},
	}, object{"name": "version", "in": "query", "schema": object{"type": "string"}})
	switch v.name {
	case "score":
		o["parameters"] = append(o["parameters"].([]object), object{"name": "quantile", "in": "query",
			"schema":      object{"type": "number", "minimum": 0, "maximum": 1, "default": outlierQuantile},
			"description": "The share of the training data that is no outlier"})
	case "nearest":
		o["parameters"] = append(o["parameters"].([]object), object{"name": "k", "in": "query",
			"schema": object{"type": "integer", "minimum": 1, "default": defaultNeighbors}})
	}
	o["requestBody"] = object{"required": true, "content": content(inputs)}
	return o
}

// schemas describes the messages.
func schemas() object {
	text := object{"type": "string"}
	list := func(items object) object { return object{"type": "array", "items": items} }
	record := func(required []string, properties object) object {
		return object{"type": "object", "required": required, "properties": properties}
	}
	parameters := object{"type": "object", "additionalProperties": true}
	shape := list(object{"type": "integer"})
	tensor := object{"name": text, "datatype": text, "shape": shape, "parameters": parameters, "data": object{"type": "array"}}
	described := list(record([]string{"name", "datatype", "shape"}, object{"name": text, "datatype": text, "shape": shape}))
	return object{
		"error": record([]string{"error"}, object{"error": text}),
		"rows": object{"anyOf": []object{
			{"type": "array", "description": "Rows of numbers, one for each sample, nested as their shape or flat"},
			record([]string{"rows"}, object{"rows": object{"type": "array"}}),
			record([]string{"images"}, object{"images": list(object{"type": "string", "contentEncoding": "base64"})}),
		}},
		"inference_request": record([]string{"inputs"}, object{"id": text, "parameters": parameters,
			"inputs":  list(record([]string{"name", "datatype", "shape"}, tensor)),
			"outputs": list(record([]string{"name"}, object{"name": text, "parameters": parameters}))}),
		"inference_response": record([]string{"model_name", "outputs"}, object{"model_name": text, "model_version": text, "id": text,
			"outputs": list(record([]string{"name", "datatype", "shape"}, tensor))}),
		"model_metadata": record([]string{"name", "platform", "inputs", "outputs"}, object{"name": text, "versions": list(text),
			"platform": text, "inputs": described, "outputs": described}),
	}
}
