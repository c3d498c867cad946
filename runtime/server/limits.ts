// Every limit on what a caller may send or hold open, in one place.
// A home device has little memory and no operator: what is unbounded is a way to stop it.

/** A prompt that fills a context of 128 Ki tokens is about 0.5 MB of text. */
export const MAX_BODY_BYTES = 8 * 2 ** 20;
/** Deeper JSON is refused before anything recursive walks it. */
export const MAX_JSON_DEPTH = 64;
export const MAX_MESSAGES = 4_096;
export const MAX_CONTENT_PARTS = 256;
export const MAX_TEXT_CHARS = 4 * 2 ** 20;
export const MAX_TOOLS = 128;
export const MAX_TOOL_CALLS = 128;
export const MAX_NAME_CHARS = 256;
export const MAX_STOPS = 16;
export const MAX_STOP_CHARS = 256;
export const MAX_LOGIT_BIASES = 1_024;
export const MAX_TOP_LOGPROBS = 20;
export const MAX_CHOICES = 16;
export const MAX_MAX_TOKENS = 2 ** 20;
/** Prompts of one /v1/completions, texts of one /v1/embeddings. */
export const MAX_INPUTS = 256;
export const MAX_TOKEN_IDS = 2 ** 20;
/** Largest seed that JSON holds exactly; clients take the time in ms as one. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;
/** llama.cpp's seeds are 32 bits wide, and the largest of them asks it for a random one. */
export const NATIVE_SEEDS = 2 ** 32 - 1;
/** llama.cpp's is a signed 32-bit integer. */
export const MAX_TOP_K = 2 ** 31 - 1;

export const MAX_CONNECTIONS = 1_024;
/** A header that takes longer comes from a slow-loris client. */
export const HEADERS_TIMEOUT_MS = 10_000;
/** The same for a whole request with its body. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often sockets are checked against the two above. */
export const TIMEOUT_CHECK_MS = 1_000;

/** A token this young says that the engine is well without asking it. */
export const HEALTH_FRESH_MS = 10_000;
/** A probe that takes longer says that it is not. */
export const HEALTH_PROBE_MS = 10_000;

/** How long a shutdown waits for answers under way where --deadline says nothing. */
export const SHUTDOWN_MS = 30_000;
