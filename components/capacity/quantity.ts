/** Multipliers of the Kubernetes quantity suffixes. */
export const multipliers: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * The number that a Kubernetes quantity stands for: bytes for a size (`64Gi`), cores for CPUs (`500m` is 0.5).
 *
 * @throws Error when the text is no quantity
 */
export function parseQuantity(value: string | number): number {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(String(value));
  const multiplier = match ? multipliers[match[2]!] : undefined;
  if (!match || multiplier === undefined) {
    throw new Error(`${JSON.stringify(value)} is no Kubernetes quantity; write one such as 500m, 8 or 64Gi`);
  }
  return Number(match[1]) * multiplier;
}
