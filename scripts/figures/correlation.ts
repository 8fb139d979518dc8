/** Pearson's correlation of two lists of the same length. */
export function correlation(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const sum = (term: (x: number, y: number) => number): number =>
    xs.reduce((total, x, index) => total + term(x - mx, (ys[index] ?? my) - my), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}
