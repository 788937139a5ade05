/* The enrolment network as somebody writes it in plain C who wants it fast: one program for this one network.

   The same algorithm as the engines': an event heap by (time, rank, number), queues as linked lists, patience as an
   event that is stale once the family is served. With -DLAZY patience needs no event: it is looked at when a server takes
   the next family, which gives the same visits where nothing depends on how many wait. Samples come in as arrays, visits go out as columns, in the order in
   which they end. Compile it with -ffp-contract=off, so that every sum is rounded as in the engines. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { WINDOW, REVIEW, CARD, STATIONS };
enum { SERVED, ABANDONED, INSIDE = 6 };
enum { DONE, GIVEN_UP, REJECTED, STILL_INSIDE };
#define LIMIT 3 /* failures before the next one is the last */
#define DEPARTURE ((uint64_t)1 << 60)
#define PATIENCE ((uint64_t)3 << 60)
#define ARRIVAL ((uint64_t)4 << 60)
#define STAMP_BITS 8 /* a family makes six visits at most */

typedef struct {
    int64_t families;
    double until;
    const double *arrival, *window, *patience; /* by family */
    const double *review;                      /* by attempt and family */
    const uint8_t *passes;                     /* by attempt and family */
    const double *card;
} Samples;

typedef struct {
    int64_t *family, *attempt;
    int32_t *station;
    double *enter, *start, *leave;
    int8_t *ended;
    int8_t *outcome;  /* by family */
    double *finished; /* by family */
} Output;

typedef struct {
    double enter, start;
    int64_t next, previous;
    uint8_t station, attempt, stamp, waits;
} Family;

typedef struct {
    int64_t head, tail;
    int busy;
} Station;

typedef struct {
    double time;
    uint64_t key; /* rank, number, stamp */
} Event;

typedef struct {
    const Samples *in;
    Output *out;
    Family *family;
    Station station[STATIONS];
    Event *heap;
    int64_t events, room, visits;
    int broken;
} World;

static inline int before(Event a, Event b) { return (a.time < b.time) | ((a.time == b.time) & (a.key < b.key)); }

static void push(World *w, double time, uint64_t key) {
    if (w->events == w->room) {
        Event *larger = realloc(w->heap, 2 * w->room * sizeof(Event));
        if (!larger) {
            w->broken = 1;
            return;
        }
        w->heap = larger;
        w->room *= 2;
    }
    Event event = {time, key};
    Event *heap = w->heap;
    int64_t hole = w->events++;
    while (hole) {
        int64_t parent = (hole - 1) >> 1;
        if (!before(event, heap[parent])) break;
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = event;
}

static void pop(World *w) {
    Event *heap = w->heap;
    Event event = heap[--w->events];
    int64_t hole = 0, child;
    while ((child = 2 * hole + 1) < w->events) {
        if (child + 1 < w->events) child += before(heap[child + 1], heap[child]);
        if (!before(heap[child], event)) break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = event;
}

static void record(World *w, int64_t i, double leave, int8_t ended) {
    const Family *f = &w->family[i];
    Output *out = w->out;
    int64_t row = w->visits++;
    out->family[row] = i;
    out->attempt[row] = f->attempt;
    out->station[row] = f->station;
    out->enter[row] = f->enter;
    out->start[row] = f->start;
    out->leave[row] = leave;
    out->ended[row] = ended;
}

static double service(const World *w, int64_t i) {
    const Family *f = &w->family[i];
    if (f->station == WINDOW) return w->in->window[i];
    if (f->station == CARD) return w->in->card[i];
    return w->in->review[f->attempt * w->in->families + i];
}

static void serve(World *w, int64_t i, double now) {
    Family *f = &w->family[i];
    w->station[f->station].busy++;
    f->start = now;
    push(w, now + service(w, i), DEPARTURE | (uint64_t)i << STAMP_BITS);
}

static void unlink_family(World *w, int64_t i) {
    Family *f = &w->family[i];
    Station *s = &w->station[f->station];
    if (f->previous >= 0)
        w->family[f->previous].next = f->next;
    else
        s->head = f->next;
    if (f->next >= 0)
        w->family[f->next].previous = f->previous;
    else
        s->tail = f->previous;
    f->waits = 0;
}

static void wait_for(World *w, int64_t i) {
    Family *f = &w->family[i];
    Station *s = &w->station[f->station];
    f->waits = 1;
    f->next = -1;
    f->previous = s->tail;
    if (s->tail >= 0)
        w->family[s->tail].next = i;
    else
        s->head = i;
    s->tail = i;
#ifndef LAZY
    if (f->station == WINDOW)
        push(w, f->enter + w->in->patience[i], PATIENCE | (uint64_t)i << STAMP_BITS | f->stamp);
#endif
}

static void come(World *w, int64_t i, uint8_t station, uint8_t attempt, double now) {
    Family *f = &w->family[i];
    Station *s = &w->station[station];
    f->station = station;
    f->attempt = attempt;
    f->stamp++;
    f->enter = now;
    f->start = NAN;
    if (!s->busy && s->head < 0)
        serve(w, i, now);
    else
        wait_for(w, i);
}

static void finish(World *w, int64_t i, double now, int8_t outcome) {
    w->out->outcome[i] = outcome;
    w->out->finished[i] = now;
}

static void abandon(World *w, int64_t i, double now) {
    unlink_family(w, i);
    record(w, i, now, ABANDONED);
    finish(w, i, now, GIVEN_UP);
}

/* Let those go whose patience ended before now, from the head of the queue; give who is next. */
static int64_t head_of(World *w, Station *s, double now) {
#ifdef LAZY
    if (s == &w->station[WINDOW])
        while (s->head >= 0) {
            int64_t i = s->head;
            double tired = w->family[i].enter + w->in->patience[i];
            if (!(tired < now)) break;
            abandon(w, i, tired);
        }
#else
    (void)w, (void)now;
#endif
    return s->head;
}

/* A service is over: the family moves on first, then its server takes the next one. */
static void depart(World *w, int64_t i, double now) {
    Family *f = &w->family[i];
    uint8_t attempt = f->attempt;
    Station *s = &w->station[f->station];
    record(w, i, now, SERVED);
    s->busy--;
    int64_t next = head_of(w, s, now);
    switch (f->station) {
    case WINDOW: come(w, i, REVIEW, 0, now); break;
    case REVIEW:
        if (w->in->passes[attempt * w->in->families + i])
            come(w, i, CARD, 0, now);
        else if (attempt < LIMIT) {
            s->busy++; /* the server is held until the family stands in the queue again */
            come(w, i, REVIEW, attempt + 1, now);
            s->busy--;
            next = s->head;
        } else
            finish(w, i, now, REJECTED);
        break;
    default: finish(w, i, now, DONE);
    }
    if (next >= 0 && !s->busy) {
        unlink_family(w, next);
        serve(w, next, now);
    }
}

static void give_up(World *w, int64_t i, uint8_t stamp, double now) {
    Family *f = &w->family[i];
    if (f->waits && f->stamp == stamp) abandon(w, i, now);
}

static void happen(World *w, Event event) {
    int64_t i = (int64_t)((event.key & (DEPARTURE - 1)) >> STAMP_BITS);
    if (event.key >= PATIENCE)
        give_up(w, i, (uint8_t)event.key, event.time);
    else
        depart(w, i, event.time);
}

static void still_inside(World *w, int64_t arrived) {
    for (int64_t i = 0; i < arrived; i++)
        if (w->out->outcome[i] == STILL_INSIDE) record(w, i, NAN, INSIDE);
}

/* Run to the horizon, families by arrival; give the number of visits, or -1 if memory ran out. */
int64_t enrolment(const Samples *in, Output *out) {
    World w = {.in = in, .out = out, .room = 1024};
    w.family = calloc(in->families, sizeof(Family));
    w.heap = malloc(w.room * sizeof(Event));
    w.broken = !w.family || !w.heap;
    for (int s = 0; s < STATIONS; s++) w.station[s] = (Station){-1, -1, 0};
    int64_t arrived = 0;
    for (int64_t i = 0; i < in->families && !w.broken; i++) out->outcome[i] = STILL_INSIDE;
    while (!w.broken) {
        Event next = {arrived < in->families ? in->arrival[arrived] : INFINITY, ARRIVAL | (uint64_t)arrived << STAMP_BITS};
        int inside = w.events && before(w.heap[0], next);
        if (inside) next = w.heap[0];
        if (!(next.time < in->until)) break;
        if (inside) {
            pop(&w);
            happen(&w, next);
        } else
            come(&w, arrived++, WINDOW, 0, next.time);
    }
#ifdef LAZY
    for (int64_t i = w.station[WINDOW].head, next; i >= 0; i = next) {
        next = w.family[i].next;
        double tired = w.family[i].enter + in->patience[i];
        if (tired < in->until) abandon(&w, i, tired);
    }
#endif
    if (!w.broken) still_inside(&w, arrived);
    free(w.heap);
    free(w.family);
    return w.broken ? -1 : w.visits;
}
