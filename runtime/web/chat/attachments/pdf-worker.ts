// pdf.js's own worker, with a bound on the memory that a file can make it take.
import './memory-bound.js';
import 'pdfjs-dist/build/pdf.worker.mjs';
