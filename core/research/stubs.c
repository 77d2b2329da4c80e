/* What stands in for copies of repositories and the text of PDFs until they are there. */
#include "core/research/pdf.h"
#include "core/research/repository.h"

#define WEAK __attribute__((weak))

WEAK struct pdf_text *pdf_text(struct loop *loop, const char *path, void (*came)(void *data, const char *text, size_t n, const char *problem), void *data)
{
	(void)loop, (void)path, (void)came, (void)data;
	return NULL;
}

WEAK void pdf_text_cancel(struct pdf_text *p)
{
	(void)p;
}

WEAK struct repository_clone *repository_clone(struct loop *loop, const char *cache, const char *url, research_cloned *done, void *data)
{
	(void)loop, (void)cache, (void)url, (void)done, (void)data;
	return NULL;
}

WEAK void repository_clone_cancel(struct repository_clone *c)
{
	(void)c;
}

WEAK const char *repository_at(const char *cache, const char *url, char commit[41])
{
	(void)cache, (void)url, (void)commit;
	return NULL;
}
