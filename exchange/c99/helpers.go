package c99

// calls are the helpers that helpers call.
var calls = map[string][]string{"silu": {"sigmoid"}, "mish": {"softplus"}, "hard_silu": {"hard_sigmoid"}, "lstm": {"sigmoid"}, "gru": {"sigmoid"},
	"attention": {"dense"}, "sigmoid_columns": {"sigmoid"}}

// helpers are the functions that layers call, each after those it calls itself.
var helpers = []struct{ name, code string }{
	{"scale", `
static void scale(float *y, const float *x, int n, const float *offset, int offsets, const float *by, int scales)
{
    for (int i = 0; i < n; i++)
        y[i] = (x[i] - (offsets ? offset[i % offsets] : 0)) / by[i % scales];
}
`}, {"unscale", `
static void unscale(float *y, const float *x, int n, const float *offset, int offsets, const float *by, int scales)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i] * by[i % scales] + (offsets ? offset[i % offsets] : 0);
}
`}, {"relu", `
static float relu(float x) { return x > 0 ? x : 0; }
`}, {"leaky", `
static float leaky(float x) { return x > 0 ? x : 0.2f * x; }
`}, {"elu", `
static float elu(float x) { return x > 0 ? x : expm1f(x); }
`}, {"selu", `
static float selu(float x) { return 1.05070098f * (x > 0 ? x : 1.67326324f * expm1f(x)); }
`}, {"sigmoid", `
static float sigmoid(float x) { return 1 / (1 + expf(-x)); }
`}, {"softplus", `
static float softplus(float x) { return x > 20 ? x : log1pf(expf(x)); }
`}, {"gelu", `
static float gelu(float x) { return 0.5f * x * (1 + erff(x * 0.70710678f)); }
`}, {"gelu_tanh", `
static float gelu_tanh(float x) { return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x))); }
`}, {"silu", `
static float silu(float x) { return x * sigmoid(x); }
`}, {"mish", `
static float mish(float x) { return x * tanhf(softplus(x)); }
`}, {"hard_sigmoid", `
static float hard_sigmoid(float x) { return fminf(fmaxf(x + 3, 0), 6) / 6; }
`}, {"hard_silu", `
static float hard_silu(float x) { return x * hard_sigmoid(x); }
`}, {"relu6", `
static float relu6(float x) { return fminf(fmaxf(x, 0), 6); }
`}, {"leaky_slope", `
static void leaky_slope(float *x, int n, float slope)
{
    for (int i = 0; i < n; i++)
        x[i] = x[i] > 0 ? x[i] : slope * x[i];
}
`}, {"activate", `
static void activate(float *x, int n, float (*f)(float))
{
    for (int i = 0; i < n; i++)
        x[i] = f(x[i]);
}
`}, {"add", `
static void add(float *y, const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}
`}, {"multiply", `
static void multiply(float *y, const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}
`}, {"beside", `
/* Puts rows of x into those of y, which are of so many numbers. */
static void beside(float *y, const float *x, int rows, int total, int width)
{
    for (int r = 0; r < rows; r++)
        memcpy(y + r * total, x + r * width, width * sizeof(float));
}
`}, {"condition", `
/* Puts behind each row what stands for the label: one of the embeddings, or a 1 at its place. */
static void condition(float *y, const float *x, int rows, int width, int label, int more, const float *embeddings)
{
    for (int r = 0; r < rows; r++) {
        memcpy(y, x + r * width, width * sizeof(float));
        y += width;
        for (int i = 0; i < more; i++)
            *y++ = embeddings ? embeddings[label * more + i] : (float)(i == label);
    }
}
`}, {"softmax_columns", `
static void softmax_columns(float *x, int rows, int total, int n)
{
    for (; rows > 0; rows--, x += total) {
        float most = x[0], sum = 0;
        for (int i = 1; i < n; i++)
            most = fmaxf(most, x[i]);
        for (int i = 0; i < n; i++)
            sum += x[i] = expf(x[i] - most);
        for (int i = 0; i < n; i++)
            x[i] /= sum;
    }
}
`}, {"sigmoid_columns", `
static void sigmoid_columns(float *x, int rows, int total, int n)
{
    for (; rows > 0; rows--, x += total)
        for (int i = 0; i < n; i++)
            x[i] = sigmoid(x[i]);
}
`}, {"columns", `
/* Takes the first numbers of each row. */
static void columns(float *y, const float *x, int rows, int total, int width)
{
    for (int r = 0; r < rows; r++)
        memcpy(y + r * width, x + r * total, width * sizeof(float));
}
`}, {"turn_round", `
static void turn_round(float *y, const float *x, int steps, int width)
{
    for (int t = 0; t < steps; t++)
        memcpy(y + (steps - 1 - t) * width, x + t * width, width * sizeof(float));
}
`}, {"prelu", `
static void prelu(float *y, const float *x, int n, const float *slopes, int count)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : slopes[i % count] * x[i];
}
`}, {"gather", `
static void gather(float *y, const float *x, int n, const int *places)
{
    for (int i = 0; i < n; i++)
        y[i] = x[places[i]];
}
`}, {"repeat", `
static void repeat(float *y, const float *x, int times, int n)
{
    for (int t = 0; t < times; t++)
        memcpy(y + t * n, x, n * sizeof(float));
}
`}, {"dense", `
static void dense(float *y, const float *x, int rows, int in, int units, const float *kernel, const float *bias)
{
    for (int r = 0; r < rows; r++)
        for (int u = 0; u < units; u++) {
            float sum = bias ? bias[u] : 0;
            for (int i = 0; i < in; i++)
                sum += x[r * in + i] * kernel[i * units + u];
            y[r * units + u] = sum;
        }
}
`}, {"dense_turned", `
/* The kernel is that of another layer, units×in. */
static void dense_turned(float *y, const float *x, int rows, int in, int units, const float *kernel, const float *bias)
{
    for (int r = 0; r < rows; r++)
        for (int u = 0; u < units; u++) {
            float sum = bias ? bias[u] : 0;
            for (int i = 0; i < in; i++)
                sum += x[r * in + i] * kernel[u * in + i];
            y[r * units + u] = sum;
        }
}
`}, {"attention", `
static void attention(float *y, const float *x, int steps, int features, int heads, int keys, int values, int causal, float scale,
                      float *memory, const float *wq, const float *bq, const float *wk, const float *bk,
                      const float *wv, const float *bv, const float *wo, const float *bo)
{
    int nk = heads * keys, nv = heads * values;
    float *q = memory, *k = q + steps * nk, *v = k + steps * nk, *means = v + steps * nv, *weights = means + steps * nv;
    dense(q, x, steps, features, nk, wq, bq);
    dense(k, x, steps, features, nk, wk, bk);
    dense(v, x, steps, features, nv, wv, bv);
    for (int h = 0; h < heads; h++)
        for (int t = 0; t < steps; t++) {
            int seen = causal ? t + 1 : steps;
            float most = -INFINITY, sum = 0;
            for (int u = 0; u < seen; u++) {
                float agreement = 0;
                for (int i = 0; i < keys; i++)
                    agreement += q[t * nk + h * keys + i] * k[u * nk + h * keys + i];
                weights[u] = agreement * scale;
                most = fmaxf(most, weights[u]);
            }
            for (int u = 0; u < seen; u++) {
                weights[u] = expf(weights[u] - most);
                sum += weights[u];
            }
            for (int i = 0; i < values; i++) {
                float mean = 0;
                for (int u = 0; u < seen; u++)
                    mean += weights[u] / sum * v[u * nv + h * values + i];
                means[t * nv + h * values + i] = mean;
            }
        }
    dense(y, means, steps, nv, features, wo, bo);
}
`}, {"quantize", `
/* Puts the nearest vector of a codebook in the place of each. */
static void quantize(float *y, const float *x, int rows, int width, int codes, const float *codebook)
{
    for (int r = 0; r < rows; r++) {
        const float *best = codebook;
        float least = INFINITY;
        for (int k = 0; k < codes; k++) {
            float distance = 0;
            for (int i = 0; i < width; i++) {
                float d = x[r * width + i] - codebook[k * width + i];
                distance += d * d;
            }
            if (distance < least) {
                least = distance;
                best = codebook + k * width;
            }
        }
        memcpy(y + r * width, best, width * sizeof(float));
    }
}
`}, {"affine", `
static void affine(float *y, const float *x, int rows, int channels, const float *by, const float *shift)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < channels; c++)
            y[r * channels + c] = x[r * channels + c] * by[c] + shift[c];
}
`}, {"layer_norm", `
static void layer_norm(float *y, const float *x, int rows, int n, float epsilon, const float *gamma, const float *beta)
{
    for (int r = 0; r < rows; r++, x += n, y += n) {
        float mean = 0, variance = 0;
        for (int i = 0; i < n; i++)
            mean += x[i] / n;
        for (int i = 0; i < n; i++)
            variance += (x[i] - mean) * (x[i] - mean) / n;
        for (int i = 0; i < n; i++)
            y[i] = gamma[i] * (x[i] - mean) / sqrtf(variance + epsilon) + beta[i];
    }
}
`}, {"group_norm", `
static void group_norm(float *y, const float *x, int rows, int channels, int groups, float epsilon, const float *gamma, const float *beta)
{
    int width = channels / groups, n = rows * width;
    for (int g = 0; g < groups; g++) {
        float mean = 0, variance = 0;
        for (int i = 0; i < n; i++)
            mean += x[i / width * channels + g * width + i % width] / n;
        for (int i = 0; i < n; i++) {
            float d = x[i / width * channels + g * width + i % width] - mean;
            variance += d * d / n;
        }
        for (int i = 0; i < n; i++) {
            int c = g * width + i % width, at = i / width * channels + c;
            y[at] = gamma[c] * (x[at] - mean) / sqrtf(variance + epsilon) + beta[c];
        }
    }
}
`}, {"convolve", `
/* Rows of the kernel come first in the options: taps, stride, dilation, zeros in front. */
static void convolve(float *y, const float *x, int h, int w, int channels, int oh, int ow, int filters,
                     int kh, int sh, int dh, int ph, int kw, int sw, int dw, int pw, const float *kernel, const float *bias)
{
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++)
            for (int f = 0; f < filters; f++) {
                float sum = bias ? bias[f] : 0;
                for (int k = 0; k < kh; k++)
                    for (int l = 0; l < kw; l++) {
                        int r = i * sh + k * dh - ph, s = j * sw + l * dw - pw;
                        if (r < 0 || r >= h || s < 0 || s >= w)
                            continue;
                        for (int c = 0; c < channels; c++)
                            sum += x[(r * w + s) * channels + c] * kernel[((k * kw + l) * channels + c) * filters + f];
                    }
                y[(i * ow + j) * filters + f] = sum;
            }
}
`}, {"convolve_channels", `
/* Every channel by itself, with as many kernels as there are filters to a channel. */
static void convolve_channels(float *y, const float *x, int h, int w, int channels, int oh, int ow, int filters,
                              int kh, int sh, int dh, int ph, int kw, int sw, int dw, int pw, const float *kernel, const float *bias)
{
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++)
            for (int f = 0; f < filters; f++) {
                float sum = bias ? bias[f] : 0;
                for (int k = 0; k < kh; k++)
                    for (int l = 0; l < kw; l++) {
                        int r = i * sh + k * dh - ph, s = j * sw + l * dw - pw;
                        if (r >= 0 && r < h && s >= 0 && s < w)
                            sum += x[(r * w + s) * channels + f / (filters / channels)] * kernel[(k * kw + l) * filters + f];
                    }
                y[(i * ow + j) * filters + f] = sum;
            }
}
`}, {"convolve_transposed", `
static void convolve_transposed(float *y, const float *x, int h, int w, int channels, int oh, int ow, int filters,
                                int kh, int sh, int dh, int ph, int kw, int sw, int dw, int pw, const float *kernel, const float *bias)
{
    for (int i = 0; i < oh * ow; i++)
        for (int f = 0; f < filters; f++)
            y[i * filters + f] = bias ? bias[f] : 0;
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++)
            for (int k = 0; k < kh; k++)
                for (int l = 0; l < kw; l++) {
                    int r = i * sh + k * dh - ph, s = j * sw + l * dw - pw;
                    if (r < 0 || r >= oh || s < 0 || s >= ow)
                        continue;
                    for (int f = 0; f < filters; f++) {
                        float sum = 0;
                        for (int c = 0; c < channels; c++)
                            sum += x[(i * w + j) * channels + c] * kernel[((k * kw + l) * filters + f) * channels + c];
                        y[(r * ow + s) * filters + f] += sum;
                    }
                }
}
`}, {"max_pool", `
static void max_pool(float *y, const float *x, int h, int w, int channels, int oh, int ow, int kh, int kw, int sh, int sw, int ph, int pw)
{
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++)
            for (int c = 0; c < channels; c++) {
                float best = -INFINITY;
                for (int r = i * sh - ph; r < i * sh - ph + kh; r++)
                    for (int s = j * sw - pw; s < j * sw - pw + kw; s++)
                        if (r >= 0 && r < h && s >= 0 && s < w)
                            best = fmaxf(best, x[(r * w + s) * channels + c]);
                y[(i * ow + j) * channels + c] = best;
            }
}
`}, {"mean_pool", `
static void mean_pool(float *y, const float *x, int h, int w, int channels, int oh, int ow, int kh, int kw, int sh, int sw, int ph, int pw)
{
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++)
            for (int c = 0; c < channels; c++) {
                float sum = 0;
                int count = 0;
                for (int r = i * sh - ph; r < i * sh - ph + kh; r++)
                    for (int s = j * sw - pw; s < j * sw - pw + kw; s++)
                        if (r >= 0 && r < h && s >= 0 && s < w) {
                            sum += x[(r * w + s) * channels + c];
                            count++;
                        }
                y[(i * ow + j) * channels + c] = sum / count;
            }
}
`}, {"up_sample", `
static void up_sample(float *y, const float *x, int h, int w, int channels, int rows, int columns)
{
    for (int i = 0; i < h * rows; i++)
        for (int j = 0; j < w * columns; j++)
            memcpy(y + (i * w * columns + j) * channels, x + (i / rows * w + j / columns) * channels, channels * sizeof(float));
}
`}, {"interpolate", `
/* Between the centres of pixels, beyond which the border goes on. */
static void interpolate(float *y, const float *x, int h, int w, int channels, int rows, int columns)
{
    for (int i = 0; i < h * rows; i++)
        for (int j = 0; j < w * columns; j++) {
            float r = fminf(fmaxf((i + 0.5f) / rows - 0.5f, 0), h - 1), s = fminf(fmaxf((j + 0.5f) / columns - 0.5f, 0), w - 1);
            int r0 = (int)r, s0 = (int)s, r1 = r0 + 1 < h ? r0 + 1 : r0, s1 = s0 + 1 < w ? s0 + 1 : s0;
            r -= r0;
            s -= s0;
            for (int c = 0; c < channels; c++)
                y[(i * w * columns + j) * channels + c] =
                    (1 - r) * ((1 - s) * x[(r0 * w + s0) * channels + c] + s * x[(r0 * w + s1) * channels + c]) +
                    r * ((1 - s) * x[(r1 * w + s0) * channels + c] + s * x[(r1 * w + s1) * channels + c]);
        }
}
`}, {"pixel_shuffle", `
static void pixel_shuffle(float *y, const float *x, int h, int w, int channels, int factor)
{
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++)
            memcpy(y + (i * w + j) * channels,
                   x + (i / factor * (w / factor) + j / factor) * factor * factor * channels + (i % factor * factor + j % factor) * channels,
                   channels * sizeof(float));
}
`}, {"pad", `
/* Puts an image into another at (top, left), which are negative where it is cut. */
static void pad(float *y, const float *x, int h, int w, int channels, int oh, int ow, int top, int left)
{
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++) {
            int r = i - top, s = j - left;
            for (int c = 0; c < channels; c++)
                y[(i * ow + j) * channels + c] = r < 0 || r >= h || s < 0 || s >= w ? 0 : x[(r * w + s) * channels + c];
        }
}
`}, {"rnn", `
static void rnn(float *y, const float *x, int steps, int features, int units, int all, int reverse,
                const float *kernel, const float *recurrent, const float *bias, float *memory)
{
    float *h = memory, *z = memory + units;
    for (int u = 0; u < units; u++)
        h[u] = 0;
    for (int t = 0; t < steps; t++) {
        int at = reverse ? steps - 1 - t : t;
        for (int u = 0; u < units; u++) {
            z[u] = bias ? bias[u] : 0;
            for (int i = 0; i < features; i++)
                z[u] += x[at * features + i] * kernel[i * units + u];
            for (int i = 0; i < units; i++)
                z[u] += h[i] * recurrent[i * units + u];
        }
        for (int u = 0; u < units; u++)
            h[u] = tanhf(z[u]);
        if (all || t == steps - 1)
            memcpy(all ? y + at * units : y, h, units * sizeof(float));
    }
}
`}, {"lstm", `
static void lstm(float *y, const float *x, int steps, int features, int units, int all, int reverse,
                 const float *kernel, const float *recurrent, const float *bias, float *memory)
{
    float *h = memory, *c = memory + units, *z = memory + 2 * units;
    for (int u = 0; u < 2 * units; u++)
        memory[u] = 0;
    for (int t = 0; t < steps; t++) {
        int at = reverse ? steps - 1 - t : t;
        for (int u = 0; u < 4 * units; u++) {
            z[u] = bias ? bias[u] : 0;
            for (int i = 0; i < features; i++)
                z[u] += x[at * features + i] * kernel[i * 4 * units + u];
            for (int i = 0; i < units; i++)
                z[u] += h[i] * recurrent[i * 4 * units + u];
        }
        for (int u = 0; u < units; u++) {
            c[u] = sigmoid(z[units + u]) * c[u] + sigmoid(z[u]) * tanhf(z[2 * units + u]);
            h[u] = sigmoid(z[3 * units + u]) * tanhf(c[u]);
        }
        if (all || t == steps - 1)
            memcpy(all ? y + at * units : y, h, units * sizeof(float));
    }
}
`}, {"gru", `
static void gru(float *y, const float *x, int steps, int features, int units, int all, int reverse,
                const float *kernel, const float *recurrent, const float *bias, float *memory, int before)
{
    float *h = memory, *z = memory + units, *s = memory + 4 * units;
    for (int u = 0; u < units; u++)
        h[u] = 0;
    for (int t = 0; t < steps; t++) {
        int at = reverse ? steps - 1 - t : t;
        for (int u = 0; u < 3 * units; u++) {
            z[u] = bias ? bias[u] : 0;
            s[u] = bias && !before ? bias[3 * units + u] : 0;
            for (int i = 0; i < features; i++)
                z[u] += x[at * features + i] * kernel[i * 3 * units + u];
            for (int i = 0; i < units; i++)
                if (u < 2 * units || !before)
                    s[u] += h[i] * recurrent[i * 3 * units + u];
        }
        for (int u = 0; u < 2 * units; u++)
            z[u] = sigmoid(z[u] + s[u]);
        if (before)
            for (int u = 0; u < units; u++)
                for (int i = 0; i < units; i++)
                    s[2 * units + u] += z[units + i] * h[i] * recurrent[i * 3 * units + 2 * units + u];
        for (int u = 0; u < units; u++) {
            float g = tanhf(z[2 * units + u] + (before ? 1 : z[units + u]) * s[2 * units + u]);
            s[u] = z[u] * h[u] + (1 - z[u]) * g;
        }
        memcpy(h, s, units * sizeof(float));
        if (all || t == steps - 1)
            memcpy(all ? y + at * units : y, h, units * sizeof(float));
    }
}
`},
}
