package report

import (
	"path/filepath"
	"strings"
)

// guides say of each system what to look for.
var guides = map[string]string{
	"linear": "A linear encoder can only project: its two numbers say where on a plane through the " +
		"cloud of points a point lies, and the squared error asks for the plane that loses least. That plane is known " +
		"exactly; it is spanned by the first two principal components. Angles near 0° mean that training found it, even " +
		"where the codes in the figure are turned, stretched or mirrored, for the network is free in how it lays out the plane. " +
		"The angles compare planes only: until the encoder also projects at a right angle, the error stays somewhat above " +
		"that of PCA; it can never fall below.",
	"stacked": "Whatever the decoder draws it must know from 30 numbers and its own weights, so look at what the reconstructions " +
		"keep (the shape, the slant) and what they smooth away (a gap, an unusual hook). The labels took no part " +
		"in the training: that the colours gather in islands on the map means that the code itself tells the classes apart. " +
		"Read the map for who is whose neighbour; how large the islands are and how far apart says little in a t-SNE.",
	"convolutional": "A convolution looks at 3×3 windows with the same weights everywhere, so a layer of a few thousand weights " +
		"serves the whole image; max-pooling then halves its height and width. The drawing shows that the network first widens, and that the code " +
		"of 3×3×64 = 576 numbers is hardly smaller than the 784 pixels. Compare the reconstructions with those of the stacked " +
		"autoencoder with that in mind: they have nearly twenty times as many numbers to go by.",
	"recurrent": "The image is read like a text, row by row from the top; the state after the last row, 30 numbers, is the code. " +
		"The decoder is given that code 28 times and draws a row each time. The code is as small as that of the stacked " +
		"autoencoder, but the first rows have to be remembered all the way down, and the learning rate is a fifteenth: " +
		"look at the curves for whether the loss was still falling when training ended, and at what that leaves blurred.",
	"denoising": "Noise is added to every pixel, other noise in each step, while the loss compares with the clean image: copying " +
		"does not pay, the network has to learn what images look like. Look below the noisy row for specks that vanished " +
		"and for strokes that were completed, sometimes wrongly. Validation is done without noise, so its loss may well lie below " +
		"that of training.",
	"dropout": "Every second pixel, chosen anew in each step, is set to 0 and the others are doubled, so that the sum stays the same " +
		"on average. What is missing must be put in from the pixels around it and from what images look like as a rule; " +
		"look at how well-formed the bottom row is beside the middle one, and how a bold guess can turn out wrong. The validation " +
		"loss lies below that of training because validation images are whole.",
	"sigmoid": "With codes of 128 numbers, and after the lecture's hundred epochs, there is little to see between the test images and their reconstructions. " +
		"Then the codes are put to use: a test image is given the class of the labelled image with the nearest code, with only ten " +
		"labelled images of each class and no further training. The spread says how much depends on which ten were labelled, and the confusion matrix " +
		"which classes look alike to the code. The lecture's own program compares two sets of 100 training images, " +
		"too few for a steady number: expect it to move by four or five points from seed to seed.",
	"relu": "The pixels were scaled to [-1, 1], but a sigmoid can only answer between 0 and 1. Each background pixel, -1, is " +
		"therefore wrong by at least 1, and of digits like MNIST's about four fifths are background: that, not what was learned, is the size of this " +
		"loss, and no training could remove it. The reconstructions show the strokes all the same. The lesson is to let the range of the last layer fit the data, " +
		"as the functional autoencoder does.",
	"functional": "These are the layers of the ReLU autoencoder, on pixels in [0, 1] that its sigmoid can reach, and the mean squared error is " +
		"smaller by far. Only 16 numbers make the code, none of them negative, and some may be 0 for every image. Look for what " +
		"they no longer tell apart: rounder digits, thin strokes lost, and now and then a digit that became another.",
	"sparse": "The loss has two terms: the reconstruction, and the sum of a sample's codes, each of which lies between 0 and 1. " +
		"There are ten times as many codes as the stacked autoencoder has, and most of them have to be near 0 for any one image. Look in the curves " +
		"at how the activity falls while the reconstruction improves.",
	"sparse-kl": "The penalty looks at each code over a whole batch and pulls its mean activity towards one tenth. A code may be fully active for the " +
		"few images that need it, which the L1 penalty makes costly. Compare the reconstruction terms of the two.",
	"tied": "What the encoder weighs an input with, the decoder weighs its output with: each kernel is used twice, which halves the weights and makes them harder to overfit. " +
		"A linear autoencoder would find such weights by itself, for those of principal components are of this kind. Compare loss and reconstructions with the stacked autoencoder's after as many epochs.",
	"hashing": "The noise of the hidden layer is so strong that only codes close to 0 or 1 get through it reliably: training pushes the sigmoids to their ends. " +
		"Rounded, a code is a hash of 16 bits, and images are found by counting the bits that differ. Each row of the figure begins with the image searched for; look at " +
		"which others share its hash, or nearly.",
	"masking": "Half of the pixels are black in training, and the loss asks for the whole image. Unlike dropout nothing is scaled, so the network sees thinner strokes and has to " +
		"know what digits or clothes look like. Look at gaps that were closed, and at guesses that were wrong.",
	"salt-pepper": "White specks look like strokes and black ones like gaps, so that no threshold could tell them apart from the image. " +
		"Look at which details are taken for noise and vanish with it.",
	"masked": "Nothing in a hidden patch can be copied; it has to follow from the others, which attention lets every patch ask. What such a network makes up for clothes or digits tells what it knows of them. " +
		"No code is small here: it is as long as the image, and is judged by how well the classes are told from its mean over the patches.",
	"unet": "A code alone would have to remember where each stroke ran; here the layers on the way down hand what they see to those on the way up. " +
		"The network therefore only has to decide what of it is noise. Compare the sharpness with that of the denoising autoencoder, and note that there is no small code any more.",
	"vae": "Every image becomes a small cloud of codes instead of a point, and all clouds together have to fill a normal distribution. " +
		"That costs some sharpness, and buys new images: codes drawn from that distribution decode to samples. Look at the samples, at the walks between images, which pass through " +
		"plausible ones, and at what each number of the code changes. Precision and coverage say how many samples could be real, and how much of the real is covered.",
	"beta-vae": "How many nats a code may hold is set from outside, and grows with the epochs: while there are few, only what helps the reconstruction most gets a number of the code. " +
		"Look at the divergence that follows the capacity, at rows of the traversal in which nothing moves, and compare the reconstruction with that of the plain variational autoencoder.",
	"conditional-vae": "What the label says need not be in the code. The accuracy of the classes in the codes is therefore to be low here, and the same code decodes to the same manner in every class: " +
		"slant and thickness of digits, size and brightness of clothes. Look along the columns of the samples for what stays.",
	"beta-tcvae": "A large weight on the whole divergence makes numbers of the code independent, but at the price of what they say of the image. Here only the dependence is dear. " +
		"Compare the mutual information with the total correlation, and look at whether each row of the traversal changes one thing.",
	"iwae": "A code that explains an image badly counts for little as long as another drawn for the same image explains it well, so that the encoder may be wrong now and then: its clouds can be wider and overlap more. " +
		"The log-likelihood is what to compare with the plain variational autoencoder; more draws make its estimate larger, and truer.",
	"iwae-paper": "One test likelihood in the literature that everybody measures alike: binarised digits, one stochastic layer, 5,000 draws of each image. The likelihood after each phase shows how much the long ones " +
		"at small rates still win. The active units are those of the paper: means that vary by more than 0.01 over the test images.",
	"greedy": "Deep networks once could not be trained from nothing; stage by stage they could, each layer an autoencoder of the codes of the one in front. " +
		"The curves begin where the stages left the weights: much of the work is done before the first epoch, and tuning with a small rate adds the rest.",
	"contractive": "A code that changed with everything would be punished, a code that never changed could reconstruct nothing. What is left are codes that follow the directions in which the images really differ, and are deaf to the others. " +
		"Look at the contraction, the squared norm of the derivatives of the codes, and at how well the classes are told from the codes.",
	"robust": "With a squared error the noise would be the loudest part of the training data, for it is reconstructed worst. Here an error beyond half of the range counts hardly more than one of half, and so pulls at nothing. " +
		"Look at what the network makes of the noise: shapes it knows, and no noise.",
	"adversarial": "What the Wasserstein autoencoder measures by a kernel, a network judges here, and learns to judge better all the time. " +
		"The two sides need to stay about as strong: a discriminator near 0.69 can only guess, one near 0 has won, and the encoder then learns nothing from it. Look at the samples beside those of the variational autoencoder.",
	"vq-vae": "Codes are no numbers here but words: each of 49 places holds one of 128 vectors, and the decoder knows these only. The encoder is drawn to the vectors, and they follow it. " +
		"A sample is written word by word, each by what stands to its left and above it; that such a simple prior makes images at all shows how much the decoder knows.",
	"wae-mmd": "A code is a point again, but the codes of a batch are compared with points from a normal distribution, pair by pair. " +
		"Reconstructions are sharper than those of the variational autoencoder. Look at the samples to see whether the space between the codes is filled as well.",
}

// lectureIntro opens the page of several runs.
const lectureIntro = "An autoencoder is a network that is asked for its own input, with a narrow place in between: what passes through it, the code, " +
	"has to hold all that the second half, the decoder, needs to draw the input again. Each section below shows one such " +
	"system, how it was trained and what came out, and says what to look for. Losses can be compared where they are of the " +
	"same kind, and pixels of the same range; a smaller one means a truer reconstruction."

// captions say what the figures of the recipes show.
var captions = map[string]string{
	"reconstruction_plot.png":         "Above, images that the network was not trained on; below, what it draws from their codes.",
	"codes_tsne_plot.png":             "The codes of the validation images, laid out by t-SNE so that neighbours stay neighbours; a dot is an image, its colour the class.",
	"linear_autoencoder_planes.png":   "The points in space, the plane that the autoencoder found and that of the first two principal components; lines lead to the former.",
	"linear_autoencoder_pca_plot.png": "The codes of the points: where each lies in the plane that was found.",
	"denoising_plot.png":              "Above, validation images; in the middle, with noise; below, what the network makes of the noisy ones.",
	"dropout_denoising_plot.png":      "Above, validation images; in the middle, with half of the pixels dropped; below, what the network makes of those.",
	"masking_plot.png":                "Above, validation images; in the middle, with half of the pixels set to black; below, what the network makes of those.",
	"salt_pepper_plot.png":            "Above, validation images; in the middle, with a quarter of the pixels black or white; below, what the network makes of those.",
	"masked_plot.png":                 "Above, validation images; in the middle, with three quarters hidden; below, what the network makes of the rest.",
	"unet_denoising_plot.png":         "Above, validation images; in the middle, with strong noise; below, what the network makes of the noisy ones.",
	"hash_neighbours.png":             "In each row a validation image, and behind it those with the nearest hashes.",
	"classes_plot.png":                "New images: ten codes drawn from a normal distribution, decoded as each class in a row.",
	"plane_plot.png":                  "The whole plane of codes of two numbers, decoded: each cell as probable as the others under the normal distribution.",
	"outliers_plot.png":               "Above, training images that are noise; below, what the network makes of them.",
	"samples_plot.png":                "New images: codes drawn from a normal distribution, decoded.",
	"interpolation_plot.png":          "In each row a walk from the code of one validation image to that of another.",
	"traversal_plot.png":              "In each row one number of the code goes from -2.5 to 2.5 while the others are 0.",
	"training_grid.png":               "Sixteen of the training images.",
	"test_grid.png":                   "Sixteen test images.",
	"reconstructed_grid.png":          "The same test images, drawn from their codes.",
	"labelled_grid.png":               "Labelled training images, ten of each class, and their classes.",
	"recognised_grid.png":             "The first hundred test images and their classes; a framed one was taken for the class behind the arrow.",
	"confusion.png":                   "How many test images of each class (row) were taken for which (column), and what share of the row that is.",
	"lecture_labelled_grid.png":       "The lecture's program: a hundred labelled images, drawn from one training batch, some more than once.",
	"lecture_recognised_grid.png":     "The lecture's program: a hundred images of another batch and their classes; a framed one was taken for the class behind the arrow.",
	"curves.png":                      "Loss and metrics over the epochs.",
}

// caption says what a figure shows, by its file's name where nothing is known.
func caption(name string) string {
	if text, ok := captions[name]; ok {
		return text
	}
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	if strings.HasSuffix(stem, "_visualization_plot") {
		return "The same map with some of the images, each framed in the colour of its class."
	}
	return label("", stem)
}
