/* Measures the machine's peak and OpenBLAS' matrix product, asked line by line.
 *
 * cc -O3 -march=native openblas.c -lopenblas -pthread      (-DPEAK_ONLY: without OpenBLAS)
 *
 * Each line of standard input is a flat JSON object and is answered by one:
 *
 *   {"op":"version"}                                 -> {"version"}
 *   {"op":"peak","threads","seconds"}                -> {"gflops"}
 *   {"op":"gemm","m","n","k","ta","tb","seconds"}    -> {"gflops"}
 *
 * peak is what independent multiply-adds in registers reach on so many threads;
 * gemm is C = A B in single precision on one thread, all matrices dense and
 * row-major, A kept k x m if ta is 1 and B kept n x k if tb is 1. Both are medians
 * over short batches.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 256
#define BATCH_SECONDS 0.0005 /* long beside the clock, short beside a time slice */
#define MAX_BATCHES 100000

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *x, int n) {
	qsort(x, n, sizeof *x, ascending);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* rate returns how often a second run(arg) does its work: the median over batches
 * of as many calls as fill BATCH_SECONDS. */
static double rate(void (*run)(void *), void *arg, double seconds) {
	static double rates[MAX_BATCHES];
	int calls = 1, n = 0;
	for (;;) { /* warms up as well */
		double start = now();
		for (int i = 0; i < calls; i++) run(arg);
		if (now() - start >= BATCH_SECONDS) break;
		calls *= 2;
	}
	for (double end = now() + seconds; n < MAX_BATCHES && (n < 3 || now() < end); n++) {
		double start = now();
		for (int i = 0; i < calls; i++) run(arg);
		rates[n] = calls / (now() - start);
	}
	return median(rates, n);
}

/* The widest vectors that -march=native allows. */
#if defined __AVX512F__
#define LANES 16
#elif defined __AVX__
#define LANES 8
#else
#define LANES 4
#endif
typedef float vector __attribute__((vector_size(4 * LANES)));

/* Twelve independent sums hide the multiplier's latency on every processor of
 * today, and leave registers for the two factors. */
#define SUMS 12
#if defined __x86_64__ || defined __i386__
#define KEEP(s) __asm__ volatile("" : "+x"(s))
#else
#define KEEP(s) __asm__ volatile("" : "+w"(s))
#endif
#define ROUNDS 100000

static volatile float factor = 0.5f, summand = 0.25f, sink;

static void fma_rounds(void *unused) {
	(void)unused;
	vector a = factor - (vector){0}, b = summand - (vector){0};
	vector s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
	for (int i = 0; i < ROUNDS; i++) {
		s0 = s0 * a + b; s1 = s1 * a + b; s2 = s2 * a + b; s3 = s3 * a + b;
		s4 = s4 * a + b; s5 = s5 * a + b; s6 = s6 * a + b; s7 = s7 * a + b;
		s8 = s8 * a + b; s9 = s9 * a + b; s10 = s10 * a + b; s11 = s11 * a + b;
		/* Or the compiler would notice that all twelve are the same. */
		KEEP(s0); KEEP(s1); KEEP(s2); KEEP(s3); KEEP(s4); KEEP(s5);
		KEEP(s6); KEEP(s7); KEEP(s8); KEEP(s9); KEEP(s10); KEEP(s11);
	}
	vector s = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
	sink = s[0];
}

struct worker {
	pthread_t thread;
	double seconds, gflops;
};

static void *peak_worker(void *arg) {
	struct worker *w = arg;
	w->gflops = rate(fma_rounds, NULL, w->seconds) * 2.0 * LANES * SUMS * ROUNDS * 1e-9;
	return NULL;
}

static void peak(int threads, double seconds) {
	static struct worker workers[MAX_THREADS];
	double sum = 0;
	if (threads < 1 || threads > MAX_THREADS) {
		printf("{\"error\":\"threads is %d, want 1 to %d\"}\n", threads, MAX_THREADS);
		return;
	}
	for (int i = 0; i < threads; i++) {
		workers[i].seconds = seconds;
		if (pthread_create(&workers[i].thread, NULL, peak_worker, &workers[i]) != 0) {
			perror("openblas.c: start a thread");
			exit(1);
		}
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].gflops;
	}
	printf("{\"gflops\":%.3f}\n", sum);
}

/* number returns a number of a flat JSON object, 0 if it is not there. */
static double number(const char *line, const char *name) {
	char key[32];
	snprintf(key, sizeof key, "\"%s\":", name);
	const char *at = strstr(line, key);
	return at ? atof(at + strlen(key)) : 0;
}

#ifdef PEAK_ONLY

static void gemm(const char *line) {
	(void)line;
	puts("{\"error\":\"built without OpenBLAS\"}");
}

static void version(void) { puts("{\"version\":\"\"}"); }

#else

/* As cblas.h has them, which lies in a different place on every system. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                 int ldb, float beta, float *c, int ldc);
void openblas_set_num_threads(int threads);
char *openblas_get_config(void);
char *openblas_get_corename(void);

struct product {
	int m, n, k, ta, tb;
	float *a, *b, *c;
};

static void multiply(void *arg) {
	struct product *p = arg;
	cblas_sgemm(ROW_MAJOR, p->ta ? TRANS : NO_TRANS, p->tb ? TRANS : NO_TRANS, p->m, p->n, p->k, 1, p->a,
	            p->ta ? p->m : p->k, p->b, p->tb ? p->k : p->n, 0, p->c, p->n);
}

/* matrix returns values in [0, 1) on a cache line of their own. */
static float *matrix(size_t size) {
	float *x = aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64);
	if (x == NULL) {
		perror("openblas.c: allocate a matrix");
		exit(1);
	}
	for (size_t i = 0; i < size; i++) x[i] = i * 2654435761u % 1000 / 1000.0f;
	return x;
}

static void gemm(const char *line) {
	struct product p = {number(line, "m"), number(line, "n"), number(line, "k"), number(line, "ta"), number(line, "tb"),
	                    NULL, NULL, NULL};
	if (p.m < 1 || p.n < 1 || p.k < 1) {
		printf("{\"error\":\"a product of %d x %d x %d, want at least 1 each\"}\n", p.m, p.n, p.k);
		return;
	}
	p.a = matrix((size_t)p.m * p.k);
	p.b = matrix((size_t)p.k * p.n);
	p.c = matrix((size_t)p.m * p.n);
	openblas_set_num_threads(1);
	printf("{\"gflops\":%.3f}\n", rate(multiply, &p, number(line, "seconds")) * 2e-9 * p.m * p.n * p.k);
	free(p.a);
	free(p.b);
	free(p.c);
}

static void version(void) {
	char config[256];
	snprintf(config, sizeof config, "%s", openblas_get_config());
	config[strcspn(config, "\"\\")] = 0;
	printf("{\"version\":\"%s\",\"core\":\"%s\"}\n", config, openblas_get_corename());
}

#endif

int main(void) {
	char line[1024];
	while (fgets(line, sizeof line, stdin)) {
		if (strstr(line, "\"op\":\"gemm\"")) gemm(line);
		else if (strstr(line, "\"op\":\"peak\"")) peak(number(line, "threads"), number(line, "seconds"));
		else if (strstr(line, "\"op\":\"version\"")) version();
		else puts("{\"error\":\"unknown operation\"}");
		fflush(stdout);
	}
	return 0;
}
