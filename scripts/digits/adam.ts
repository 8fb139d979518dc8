const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.999;

/** Makes a step that moves parameters against their gradients. @see Kingma and Ba 2015, Adam, algorithm 1 */
export function createAdam(parameters: Float64Array): (gradients: Float64Array, rate: number) => void {
  const means = new Float64Array(parameters.length);
  const squares = new Float64Array(parameters.length);
  let steps = 0;
  return (gradients, rate) => {
    steps += 1;
    const scale = (rate * Math.sqrt(1 - SQUARE_DECAY ** steps)) / (1 - MEAN_DECAY ** steps);
    for (let index = 0; index < parameters.length; index += 1) {
      const gradient = gradients[index]!;
      means[index]! += (1 - MEAN_DECAY) * (gradient - means[index]!);
      squares[index]! += (1 - SQUARE_DECAY) * (gradient * gradient - squares[index]!);
      parameters[index]! -= (scale * means[index]!) / (Math.sqrt(squares[index]!) + 1e-8);
    }
  };
}
