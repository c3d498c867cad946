// What llama.cpp may compute on, by the names of its backends.

export type Backend = 'cuda' | 'vulkan' | 'metal' | 'cpu';
