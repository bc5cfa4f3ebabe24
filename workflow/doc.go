// Package workflow does with people's own data what the command's train, encode,
// decode, reconstruct, denoise, score, embed and recognize do: it trains on arrays,
// images and tables, and uses the models on more of them.
//
//	data, err := workflow.Load(ctx, "wine.csv", dataset.LoadOptions{Label: "cultivar"})
//	metrics, err := workflow.Train(ctx, data.Data, workflow.TrainOptions{Out: "runs/wine"})
//	model, err := workflow.OpenModel("runs/wine/model.safetensors")
//	ranking, err := model.Rank(ctx, data, workflow.RankOptions{Rate: 0.01})
//
// Samples are given and returned in the units of the data: a model that [Train] made
// has its scaling within, and a [Model] knows what it was trained on.
package workflow
