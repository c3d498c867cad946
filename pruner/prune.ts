// From a dense Llama to a pruned, repaired and quantised GGUF, stage by stage: the model as a file that
// llama.cpp runs, what its inputs are like on a text, which parts go, what the kept ones take over, and
// convert's one pass over the original weights. Prints nothing; a temporary folder holds what lies between.
import path from 'node:path';
import { convert, type ConvertSummary } from '../converter/convert.js';
import { openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { openLora } from '../model/checkpoint/lora/lora.js';
import type { FileType } from '../model/types/mixtures.js';
import { openCompute } from '../llama/ggml-compute.js';
import type { LlamaSettings } from '../llama/model-settings.js';
import { checkCalibration, prunedImportance } from './calibration-fit.js';
import { type Calibration, openCalibration } from './calibration-file.js';
import { calibrate } from './calibrate/calibrate.js';
import { chooseWidths, type WidthsChoice } from './choose/choose-widths.js';
import { keptGroups } from './choose/allocate.js';
import { type DenseModel, listParts, openDenseModel, type Part } from './dense-model.js';
import { writeDenseGguf } from './dense-gguf.js';
import type { Multiply } from './linear/least-squares.js';
import { type MeasuredPart, measurePart } from './measured-part.js';
import type { Target } from './choose/target.js';
import { pruningMetadata } from './pruning-metadata.js';
import { repairParts, type RepairedPart } from './repair/repair-parts.js';
import type { RepairMode } from './repair/repair-linear.js';
import { openScratch } from './scratch.js';
import { Judge, type Judged } from './judge.js';
import { splitText } from './split-text.js';
