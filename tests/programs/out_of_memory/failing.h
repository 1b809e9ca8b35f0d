/* Memory that fails on purpose: what the library and this program ask the system for goes through here, where the library is
 * linked statically. */
#ifndef FAILING_H
#define FAILING_H

/* Lets the n-th request from now on fail, or all from the n-th. */
void fail_from(long n, int all);
/* Lets none fail any more; returns how many requests there were since. */
long fail_no_more(void);

#endif
