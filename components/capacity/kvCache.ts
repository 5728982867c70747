import type { CacheLayers, ModelArchitecture } from "./architecture";
import type { ResolvedOptions } from "./engine";

/** Tokens in a block of the cache, by default. */
const blockTokens = 16;

/** Layers of one kind as vLLM allocates them: in groups of equally many layers that share a pool of blocks. */
interface LayerGroup {
  readonly cache: CacheLayers;
  /** Groups of this kind. */
  readonly groups: number;
  /** Tokens in one of its blocks; Infinity where a block is the whole state of a request. */
  readonly blockTokens: number;
}

/** The cache of a model on one GPU. */
export interface KvCacheLayout {
  /** Bytes of a block: one page in each layer of a group. */
  readonly blockBytes: number;
  readonly groups: readonly LayerGroup[];
}

function bytesPerToken(cache: CacheLayers, options: ResolvedOptions): number {
  const { tensorParallelSize, cacheBytes } = options;
  if (cache.kind === "latent") return cache.width * cacheBytes + cache.indexerBytes;
  if (cache.kind === "state") return 0;
  return 2 * Math.max(1, Math.ceil(cache.heads / tensorParallelSize)) * cache.headDim * cacheBytes;
}

function stateBytes(cache: CacheLayers, { tensorParallelSize, weightBytes }: ResolvedOptions): number {
  if (cache.kind !== "state") return 0;
  const { convolution, recurrent, recurrentBytes = weightBytes } = cache;
  return (convolution * weightBytes + recurrent * recurrentBytes) / tensorParallelSize;
}

/**
 * Bytes of a page, the same in all layers: blocks of layers with narrow keys hold more tokens, and where layers keep a
 * state instead, blocks of attention layers grow (in steps of 16 tokens) until a state fits into one.
 */
function pageBytes(model: ModelArchitecture, options: ResolvedOptions): number {
  const widest = Math.max(...model.caches.map((cache) => bytesPerToken(cache, options)));
  const state = Math.max(...model.caches.map((cache) => stateBytes(cache, options)));
  if (widest === 0) return state;
  return Math.max(1, Math.ceil(state / (widest * blockTokens))) * widest * blockTokens;
}

/**
 * How vLLM lays the cache out: kinds of layers are cut into groups of equally many layers, as many as the rarest kind
 * has, or the commonest where the two differ by less than half (`kv_cache_utils.py`).
 */
export function kvCacheLayout(model: ModelArchitecture, options: ResolvedOptions): KvCacheLayout {
  const stage = (layers: number): number => Math.ceil(layers / options.pipelineParallelSize);
  const counts = model.caches.map(({ layers }) => stage(layers));
  const fewest = Math.min(...counts);
  const most = Math.max(...counts);
  const size = most < 1.5 * fewest ? most : fewest;
  const page = pageBytes(model, options);
  return {
    blockBytes: page * size,
    groups: model.caches.map((cache, index) => ({
      cache,
      groups: Math.ceil(counts[index]! / size),
      blockTokens: cache.kind === "state" ? Infinity : Math.floor(page / bytesPerToken(cache, options)),
    })),
  };
}

/** Blocks that one request of `tokens` tokens holds. */
export function blocksPerRequest(layout: KvCacheLayout, tokens: number, options: ResolvedOptions): number {
  return layout.groups.reduce((sum, { cache, groups, blockTokens: size }) => {
    if (cache.kind === "state") return sum + groups;
    if (cache.kind !== "sliding") return sum + groups * Math.ceil(tokens / size);
    // A step may write a whole batch before what left the window is given back; the window may begin inside a block.
    const held = Math.min(cache.window - 1 + options.maxNumBatchedTokens, tokens);
    return sum + groups * (Math.ceil(held / size) + 1);
  }, 0);
}

/** vLLM before 0.21 prints a hybrid model's cache as if all groups held every token. */
const printsFullLength = 21;

/**
 * Bytes of cache that one token takes on each GPU, in the accounting of vLLM's log: for models whose layers are all
 * alike a constant, for others the share of a token in a request of full length.
 */
export function kvBytesPerToken(model: ModelArchitecture, options: ResolvedOptions): number {
  const layout = kvCacheLayout(model, options);
  const groups = layout.groups.reduce((sum, group) => sum + group.groups, 0);
  const [only] = layout.groups;
  if (groups === 1 && only !== undefined && only.cache.kind !== "state") return layout.blockBytes / only.blockTokens;
  if (options.minorVersion < printsFullLength) {
    const tokens = Math.min(...layout.groups.map(({ blockTokens: size }) => size));
    return (layout.blockBytes * groups) / tokens;
  }
  return (blocksPerRequest(layout, options.maxModelLen, options) * layout.blockBytes) / options.maxModelLen;
}
