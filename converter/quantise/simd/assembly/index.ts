// The module's surface: one function per type and the buffers between it and JavaScript.
// A function quantises `nBlocks` blocks from SOURCE to TARGET and returns how many of them it left
// to the caller, whose indices are at DEFERRED. Allocates nothing.
export { quantiseIq4Nl } from './iq4-nl';
export { DEFERRED, MAX_WEIGHTS, SOURCE, TARGET } from './lanes';
export { quantiseQ2K } from './q2-k';
export { quantiseQ4K, quantiseQ5K } from './q4-k';
export { quantiseQ6K } from './q6-k';
