// The sink in C: holds the clients of all servers, signs them in by a script, reads, counts, and sends where it is told to. It judges
// nothing: the benchmark compares what it counts. Orders are lines on standard input, answers lines on standard output; see
// crowd-process.ts. Linux only. It is C because a sink must cost less than what is measured.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, GROUPS_MAX = 64, HEAD_BYTES_MAX = 4096, KEPT_BYTES = 128, EVENTS = 512, LOOK_NS = 1000000 };

typedef struct {
  int fd;            // -1 once it is closed
  int group;
  int by_line;       // whether each line of a payload is a message
  char *script;      // what is left of its line while it is opened, else null
  char *line;        // the allocation that `script` points into
  char *head;        // what has come of the answer to the upgrade, until it has come whole
  int head_has;
  int waits;         // messages until the next step of the script
  uint64_t messages, base, bytes, controls;
  uint8_t header[10];
  int header_has, header_needs;
  uint64_t payload_left, payload_bytes, lines;
  int in_payload, kept;
  uint8_t last;      // of the payload
  char keep[KEPT_BYTES + 1];  // how the payload begins
} Client;

typedef struct { Client **clients; int count; uint64_t bytes_base; } Group;

static Group groups[GROUPS_MAX];
static int epoll_fd, opening_left, window_used;
static uint8_t *read_buffer;
static int counting = -1;      // the group of the slice, or -1
static int timing;             // whether messages of the slice carry the time at which they were sent
static uint64_t of_turn, turns_told, received, started_ns, cpu_before_us;
static uint32_t *delays; static size_t delays_has, delays_room;

static uint64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

static uint64_t cpu_us(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000ull + (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void tell(const char *form, ...) {
  va_list args;
  va_start(args, form);
  vprintf(form, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
}

static char orders[65536];
static size_t orders_at, orders_has;

static void *room_for(void *held, size_t bytes) {
  void *got = realloc(held, bytes);
  if (got == NULL) { tell("failed no memory"); exit(1); }
  return got;
}

// The next line without its end, to be freed; the program ends with its input.
static char *read_line(void) {
  char *line = NULL;
  size_t has = 0;
  for (;;) {
    if (orders_at == orders_has) {
      ssize_t got = read(STDIN_FILENO, orders, sizeof orders);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) exit(0);
      orders_at = 0;
      orders_has = (size_t)got;
    }
    char *from = orders + orders_at, *end = memchr(from, '\n', orders_has - orders_at);
    size_t some = (end == NULL ? orders + orders_has : end) - from;
    line = room_for(line, has + some + 1);
    memcpy(line + has, from, some);
    has += some;
    line[has] = 0;
    orders_at += some + (end != NULL);
    if (end != NULL) return line;
  }
}

static void lose(Client *client, const char *why) {
  if (client->fd == -1) return;
  close(client->fd);
  client->fd = -1;
  if (client->script != NULL) { tell("failed a client could not be opened: %s: %.100s", why, client->keep); exit(1); }
}

static void write_whole(Client *client, const void *bytes, size_t length) {
  for (size_t at = 0; at < length && client->fd != -1;) {
    ssize_t wrote = send(client->fd, (const char *)bytes + at, length - at, MSG_NOSIGNAL);
    if (wrote > 0) at += (size_t)wrote;
    else if (errno == EAGAIN) { struct pollfd one = {client->fd, POLLOUT, 0}; poll(&one, 1, 1000); }
    else if (errno != EINTR) lose(client, strerror(errno));
  }
}

// The mask is four zeros, which RFC 6455 allows and which changes nothing.
static size_t masked_frame(uint8_t *into, uint8_t first, const char *text, size_t length) {
  size_t at = 0;
  into[at++] = first;
  if (length < 126) into[at++] = (uint8_t)(0x80 | length);
  else { into[at++] = 0x80 | 126; into[at++] = (uint8_t)(length >> 8); into[at++] = (uint8_t)length; }
  memset(into + at, 0, 4);
  memcpy(into + at + 4, text, length);
  return at + 4 + length;
}

static void send_text(Client *client, const char *text) {
  size_t length = strlen(text);
  uint8_t *frame = room_for(NULL, length + 14);
  write_whole(client, frame, masked_frame(frame, 0x81, text, length));
  free(frame);
}

// Steps are `<messages to wait for> <text>`, parted by tabs; the last one has no text, and then the client is open.
static void go_on(Client *client) {
  while (client->script != NULL && client->waits == 0) {
    char *step = client->script, *end = strchr(step, '\t'), *text;
    if (end != NULL) *end = 0;
    client->waits = (int)strtol(step, &text, 10);
    if (client->waits > 0) {
      // Met again when the messages have come: the count is taken off the step.
      step[0] = '0';
      memmove(step + 1, text, strlen(text) + 1);
      if (end != NULL) { size_t length = strlen(step); memmove(step + length + 1, end + 1, strlen(end + 1) + 1); step[length] = '\t'; }
      return;
    }
    if (*text == ' ') { send_text(client, text + 1); client->script = end == NULL ? NULL : end + 1; }
    else client->script = NULL;
    if (client->script != NULL) continue;
    free(client->line);
    client->line = NULL;
    client->base = client->messages;
    window_used--;
    opening_left--;
  }
}

static void finish_frame(Client *client) {
  uint64_t frame_bytes = (uint64_t)client->header_needs + client->payload_bytes;
  client->in_payload = 0;
  client->header_has = 0;
  client->header_needs = 2;
  if ((client->header[0] & 0x0f) >= 8) { client->controls++; return; }
  uint64_t messages = client->by_line ? client->lines + (client->last != '\n') : 1;
  client->messages += messages;
  client->bytes += frame_bytes;
  client->keep[client->kept] = 0;
  if (client->group == counting) {
    received += messages;
    char *stamp = timing ? strstr(client->keep, "\"t\":") : NULL;
    if (stamp != NULL) {
      if (delays_has == delays_room) delays = room_for(delays, (delays_room = delays_room * 2 + 4096) * sizeof *delays);
      delays[delays_has++] = (uint32_t)((now_ns() - strtoull(stamp + 4, NULL, 10)) / 1000);
    }
  }
  if (client->script == NULL) return;
  if (strstr(client->keep, "\"error\"") != NULL) { lose(client, "a request was refused"); return; }
  client->waits -= (uint64_t)client->waits < messages ? client->waits : (int)messages;
  if (client->waits == 0) go_on(client);
}

static void begin_payload(Client *client) {
  uint8_t *header = client->header;
  uint64_t length = header[1];
  if (client->header_needs == 4) length = (uint64_t)header[2] << 8 | header[3];
  if (client->header_needs == 10) { length = 0; for (int at = 2; at < 10; at++) length = length << 8 | header[at]; }
  client->payload_bytes = client->payload_left = length;
  client->in_payload = 1;
  client->kept = 0;
  client->lines = 0;
}

static void take(Client *client, const uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length || (client->in_payload && client->payload_left == 0);) {
    if (client->in_payload) {
      size_t some = length - at < client->payload_left ? length - at : (size_t)client->payload_left;
      size_t keep = some < (size_t)(KEPT_BYTES - client->kept) ? some : (size_t)(KEPT_BYTES - client->kept);
      memcpy(client->keep + client->kept, bytes + at, keep);
      client->kept += (int)keep;
      if (client->by_line && some > 0) {
        for (const uint8_t *from = bytes + at, *end = from + some; (from = memchr(from, '\n', (size_t)(end - from))) != NULL; from++) client->lines++;
        client->last = bytes[at + some - 1];
      }
      client->payload_left -= some;
      at += some;
      if (client->payload_left > 0) return;
      finish_frame(client);
    } else {
      client->header[client->header_has++] = bytes[at++];
      if (client->header_has == 2) {
        if (client->header[1] & 0x80) { lose(client, "a masked frame: that is no server"); return; }
        client->header_needs = client->header[1] < 126 ? 2 : client->header[1] == 126 ? 4 : 10;
      }
      if (client->header_has >= 2 && client->header_has == client->header_needs) begin_payload(client);
    }
  }
}

static void take_head(Client *client, const uint8_t *bytes, size_t length) {
  size_t room = (size_t)(HEAD_BYTES_MAX - client->head_has), some = length < room ? length : room;
  memcpy(client->head + client->head_has, bytes, some);
  client->head_has += (int)some;
  char *end = memmem(client->head, (size_t)client->head_has, "\r\n\r\n", 4);
  if (end == NULL) { if (some < length) lose(client, "too long a head"); return; }
  if (strncmp(client->head, "HTTP/1.1 101", 12) != 0) { snprintf(client->keep, KEPT_BYTES, "%.60s", client->head); lose(client, "the upgrade was refused"); return; }
  size_t used = (size_t)(end + 4 - client->head) - (size_t)(client->head_has - (int)some);
  free(client->head);
  client->head = NULL;
  go_on(client);
  take(client, bytes + used, length - used);
}

static void read_client(Client *client) {
  ssize_t got = client->fd == -1 ? -1 : recv(client->fd, read_buffer, READ_BYTES, 0);
  if (got > 0) { if (client->head != NULL) take_head(client, read_buffer, (size_t)got); else take(client, read_buffer, (size_t)got); }
  else if (got == 0) lose(client, "the server closed it");
  else if (client->fd != -1 && errno != EAGAIN && errno != EINTR) lose(client, strerror(errno));
}

static void look(int wait_ms) {
  static struct epoll_event events[EVENTS];
  int ready = epoll_wait(epoll_fd, events, EVENTS, wait_ms);
  for (int at = 0; at < ready; at++) if (events[at].data.ptr != NULL) read_client(events[at].data.ptr);
}

static struct sockaddr_in address_of(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

// A line: source address or `-`, path, further headers or `-` (with ` | ` between them), and the steps.
static void start_client(Client *client, const char *host, int port, int receive_bytes, char *line) {
  char *source = strsep(&line, "\t"), *path = strsep(&line, "\t"), *extra = strsep(&line, "\t");
  int yes = 1;
  client->header_needs = 2;
  client->script = line;
  client->head = room_for(NULL, HEAD_BYTES_MAX);
  client->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (client->fd == -1) { tell("failed no descriptor: %s", strerror(errno)); exit(1); }
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (receive_bytes > 0) setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  if (strcmp(source, "-") != 0) {
    struct sockaddr_in from = address_of(source, 0);
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    bind(client->fd, (struct sockaddr *)&from, sizeof from);
  }
  struct sockaddr_in to = address_of(host, port);
  if (connect(client->fd, (struct sockaddr *)&to, sizeof to) != 0) { lose(client, strerror(errno)); return; }
  char request[10240];
  int length = snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n", path, host, strcmp(extra, "-") == 0 ? "" : extra, strcmp(extra, "-") == 0 ? "" : "\r\n");
  write_whole(client, request, (size_t)length);
  fcntl(client->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event);
  window_used++;
}

static uint64_t bytes_of(const Group *group) {
  uint64_t sum = 0;
  for (int at = 0; at < group->count; at++) sum += group->clients[at]->bytes;
  return sum;
}

static void open_group(char *order) {
  int group, port, count, window, receive_bytes, by_line;
  char host[64];
  if (sscanf(order, "open %d %63s %d %d %d %d %d", &group, host, &port, &count, &window, &receive_bytes, &by_line) != 7) { tell("failed no such order"); exit(1); }
  Group *into = &groups[group];
  into->clients = room_for(into->clients, sizeof(Client *) * (size_t)(into->count + count));
  char **lines = room_for(NULL, sizeof(char *) * (size_t)count);
  for (int at = 0; at < count; at++) lines[at] = read_line();
  uint64_t started = now_ns();
  opening_left = count;
  window_used = 0;
  for (int at = 0; at < count || opening_left > 0;) {
    if (at < count && window_used < window) {
      Client *client = calloc(1, sizeof *client);
      client->line = lines[at++];
      into->clients[into->count++] = client;
      client->group = group;
      client->by_line = by_line;
      start_client(client, host, port, receive_bytes, client->line);
    } else look(1000);
    if (now_ns() - started > 600ull * 1000000000ull) { tell("failed clients did not open in time"); exit(1); }
  }
  free(lines);
  into->bytes_base = bytes_of(into);
  tell("opened %d %llu", count, (unsigned long long)((now_ns() - started) / 1000));
}

static void begin(const char *order) {
  unsigned long long each = 1;
  sscanf(order, "begin %d %llu %d", &counting, &each, &timing);
  const Group *group = &groups[counting];
  of_turn = each;
  turns_told = received = delays_has = 0;
  for (int at = 0; at < group->count; at++) received += group->clients[at]->messages - group->clients[at]->base;
  // What is awaited is told of: messages that were sent before this would carry no time.
  if (timing) tell("begun");
  started_ns = now_ns();
  cpu_before_us = cpu_us();
}

static void end(void) {
  Group *group = &groups[counting];
  int lost = 0;
  for (int at = 0; at < group->count; at++) lost += group->clients[at]->fd == -1;
  printf("counted %llu %llu %d %llu %llu", (unsigned long long)received, (unsigned long long)(bytes_of(group) - group->bytes_base), lost,
    (unsigned long long)(cpu_us() - cpu_before_us), (unsigned long long)((now_ns() - started_ns) / 1000));
  for (int at = 0; at < group->count; at++) {
    Client *client = group->clients[at];
    printf(" %llu", (unsigned long long)(client->messages - client->base));
    // From here, and not from the next slice's begin: what comes in between is then wrong there.
    client->base = client->messages;
  }
  group->bytes_base = bytes_of(group);
  printf("\ndelays");
  for (size_t at = 0; at < delays_has; at++) printf(" %u", delays[at]);
  tell("");
  counting = -1;
}

// Each client sends a text so often, and then a ping, whose pong says that all before it has been read.
static void send_all(char *order) {
  int index, turns, period_us, skip = 0;
  if (sscanf(order, "send %d %d %d %n", &index, &turns, &period_us, &skip) != 3) { tell("failed no such order"); exit(1); }
  const Group *group = &groups[index];
  const char *text = order + skip;
  uint8_t frame[70000], ping[16];
  size_t frame_bytes = masked_frame(frame, 0x81, text, strlen(text)), ping_bytes = masked_frame(ping, 0x89, "", 0);
  uint64_t *pongs = room_for(NULL, sizeof *pongs * (size_t)(group->count + 1)), next = now_ns();
  for (int at = 0; at < group->count; at++) pongs[at] = group->clients[at]->controls;
  for (int turn = 0; turn < turns; turn++) {
    for (int at = 0; at < group->count; at++) write_whole(group->clients[at], frame, frame_bytes);
    for (next += (uint64_t)period_us * 1000; now_ns() < next;) look(1);
  }
  for (int at = 0; at < group->count; at++) write_whole(group->clients[at], ping, ping_bytes);
  int answered = 0;
  for (uint64_t until = now_ns() + 20000000000ull; answered < group->count && now_ns() < until;) {
    look(1);
    for (answered = 0; answered < group->count; answered++) {
      const Client *client = group->clients[answered];
      if (client->controls == pongs[answered] && client->fd != -1) break;
    }
  }
  free(pongs);
  tell("sent %d", answered);
}

static void pause_client(const char *order) {
  int group, index;
  sscanf(order, "pause %d %d", &group, &index);
  const Client *client = groups[group].clients[index];
  if (client->fd != -1) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
  tell("paused");
}

static void close_group(const char *order) {
  int index;
  sscanf(order, "close %d", &index);
  Group *group = &groups[index];
  for (int at = 0; at < group->count; at++) { if (group->clients[at]->fd != -1) close(group->clients[at]->fd); free(group->clients[at]); }
  group->count = 0;
  tell("closed");
}

static void obey(char *order) {
  if (strncmp(order, "open ", 5) == 0) open_group(order);
  else if (strncmp(order, "begin ", 6) == 0) begin(order);
  else if (strncmp(order, "end", 3) == 0) end();
  else if (strncmp(order, "send ", 5) == 0) send_all(order);
  else if (strncmp(order, "pause ", 6) == 0) pause_client(order);
  else if (strncmp(order, "close ", 6) == 0) close_group(order);
  else { tell("failed no such order: %s", order); exit(1); }
}

int main(void) {
  read_buffer = room_for(NULL, READ_BYTES);
  epoll_fd = epoll_create1(0);
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  tell("ready");
  for (;;) {
    struct pollfd one = {STDIN_FILENO, POLLIN, 0};
    if (orders_at < orders_has || poll(&one, 1, 0) > 0) {
      char *order = read_line();
      obey(order);
      free(order);
    }
    // While costs are counted it does not wait in the kernel but looks once a millisecond: a server's write then never wakes it, as it
    // never wakes a client on another machine. Where times are, it is woken.
    if (counting != -1 && !timing) { struct timespec rest = {0, LOOK_NS}; nanosleep(&rest, NULL); look(0); }
    else look(100);
    if (counting != -1 && received / of_turn > turns_told) { turns_told = received / of_turn; tell("turn %llu", (unsigned long long)turns_told); }
  }
}
