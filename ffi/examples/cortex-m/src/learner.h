/* What is trained: one of layer.c, network.c. */
#ifndef LEARNER_H
#define LEARNER_H

#include "altmin.h"

/* Its row's name, samples that arrive at a time, how often they do, and bytes of its workspace. */
extern const char learner_name[];
extern const int learner_samples, learner_batches;
extern const size_t learner_workspace;

/* Before the first sample: the most bytes of workspace that a function asks for. */
altmin_status learner_prepare(size_t *needed);

/* The next samples of the world: this is not the device's work. Half-way through the batches what is to be learnt changes. */
void learner_measure(int batch);

/* The forward pass alone, then what is learnt from the samples that were measured. */
altmin_status learner_predict(void);
altmin_status learner_learn(void);

/* How wrong the last forward pass was, in millionths. */
uint32_t learner_error(void);

/* Errors, as means over an eighth of all batches, that the start and the change must exceed, and that must be reached. */
extern const uint32_t learner_bad, learner_good;

/* Numbers from -1 to 1. */
float noise(void);

#define TRY(call)                                 \
    do {                                          \
        altmin_status status = (call);            \
        if (status != ALTMIN_STATUS_OK)           \
            return status;                        \
    } while (0)

#endif
