// Package architecture says what an autoencoder is made of in one line of text, or
// in a file:
//
//	flatten > dense 100 selu > dense 30 selu | dense 100 selu > dense 784 sigmoid > reshape 28x28
//
// Left of the bar are the layers of the encoder, right of it those of the decoder.
// Layers are separated by > or by the end of a line, or both; from # to the end of a
// line is a comment. The shape of a sample may come first, as input 28x28.
//
// A layer is its name and its arguments. The main ones come first, in a fixed order;
// all have a name, too, and where that is written the order does not matter:
//
//	conv2d 32 3x3 selu strides=2 padding=same
//	dense 100 no_bias kernel_initializer=he_normal
//	lstm 100 return_sequences
//	time_distributed (dense 28 sigmoid)
//
// An option that is on or off is on where its name stands alone. Shapes and pairs are
// written 28x28 or 28,28; where there must be two numbers, one stands for both. A
// text with blanks or marks in it goes in quotes, and a value of any other kind is
// written in JSON. A layer as argument stands in parentheses.
//
// Names are those of package nn in either case, with or without underscores: conv2d_transpose
// and Conv2DTranspose are the same. Layers that a program registers with nn.Register can be
// said as well: their names and options follow from their types as they do in
// model files, and what JSON always has of them are their main arguments.
package architecture
