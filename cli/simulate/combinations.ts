/** How many ways there are to choose `size` of `count`. Infinity beyond what a number can hold. */
export function countCombinations(count: number, size: number): number {
  if (size > count) {
    return 0;
  }
  let ways = 1;
  for (let step = 1; step <= Math.min(size, count - size); step++) {
    ways = (ways * (count - step + 1)) / step;
  }
  return Math.round(ways);
}

/** All choices of `size` items, each in the order of the items; those of earlier items first. */
export function* combinations<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = 0; index <= items.length - size; index++) {
    for (const rest of combinations(items.slice(index + 1), size - 1)) {
      yield [items[index] as T, ...rest];
    }
  }
}

/** The first `limit` of a sequence. */
export function* first<T>(sequence: Iterable<T>, limit: number): Generator<T> {
  let taken = 0;
  for (const item of sequence) {
    if (taken++ >= limit) {
      return;
    }
    yield item;
  }
}
