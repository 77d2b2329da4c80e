// Matrix products, on all threads, in two steps: the activations are converted to the format that the dot product wants,
// then each thread takes a share of the matrix's rows.
#include "matmul.h"

#include "threads.h"

struct product {
	const struct matrix *w;
	int n;
	const float *x;
	float *out;
	struct block_q8 *work;
};

static void convert(void *context, int thread, int threads)
{
	const struct product *p = context;
	int columns = p->w->columns, blocks = columns / BLOCK;

	for (int t = part_first(p->n, thread, threads); t < part_end(p->n, thread, threads); t++)
		q8_from_float(columns, p->work + (long)t * blocks, p->x + (long)t * columns);
}

static void multiply(void *context, int thread, int threads)
{
	const struct product *p = context;
	int rows = p->w->rows, columns = p->w->columns, blocks = columns / BLOCK;

	for (int r = part_first(rows, thread, threads); r < part_end(rows, thread, threads); r++)
		for (int t = 0; t < p->n; t++)
			p->out[(long)t * rows + r] =
				dot_q4_q8(columns, p->w->blocks + (long)r * blocks, p->work + (long)t * blocks);
}

void matmul(const struct matrix *w, int n, const float *x, float *out, struct block_q8 *work)
{
	struct product p = { w, n, x, out, work };

	threads_run(convert, &p);
	threads_run(multiply, &p);
}
