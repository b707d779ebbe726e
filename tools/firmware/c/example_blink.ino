// Runs the self-test, then lights the LED while the first label is seen in a frame. Fill `frame` from
// the board's camera in captureFrame.
#include <ocellus_model.h>

static uint8_t arena[OCELLUS_ARENA_BYTES] __attribute__((aligned(OCELLUS_ARENA_ALIGN)));
static uint8_t frame[OCELLUS_FRAME_BYTES];
static ocellus_t network;

static void captureFrame(uint8_t *pixels, size_t bytes) {
  (void)pixels;
  (void)bytes;
}

void setup() {
  pinMode(LED_BUILTIN, OUTPUT);
  if (ocellus_init(&network, arena, sizeof arena) == 0 && ocellus_selftest(&network) == 0) return;
  // Blinks for ever where the build computes wrongly.
  for (;;) {
    digitalWrite(LED_BUILTIN, HIGH);
    delay(100);
    digitalWrite(LED_BUILTIN, LOW);
    delay(100);
  }
}

void loop() {
  ocellus_detection found[4];
  captureFrame(frame, sizeof frame);
  const int32_t count = ocellus_detect(&network, frame, sizeof frame, found, 4);
  bool seen = false;
  for (int32_t n = 0; n < count && n < 4; n++) seen = seen || found[n].class_id == 0;
  digitalWrite(LED_BUILTIN, seen ? HIGH : LOW);
}
