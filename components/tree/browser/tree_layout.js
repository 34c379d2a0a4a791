// Where the marks of a tree stand. Pure functions, no DOM.

// Leaves take successive x in order of creation, a parent stands midway between its first and last
// child, y is depth. `parents[i]` is the position of i's parent (always earlier) or null. Same rule
// as components/layout.py.
export function layoutTree(parents) {
  const count = parents.length;
  const first = new Array(count).fill(-1),
    last = new Array(count).fill(-1),
    next = new Array(count).fill(-1);
  const x = new Array(count).fill(0),
    y = new Array(count).fill(0),
    roots = [];
  for (let i = 0; i < count; i++) {
    const parent = parents[i];
    if (parent === null || parent === undefined) {
      roots.push(i);
      continue;
    }
    y[i] = y[parent] + 1;
    if (first[parent] < 0) first[parent] = i;
    else next[last[parent]] = i;
    last[parent] = i;
  }
  let leaf = 0;
  const stack = roots.reverse();
  while (stack.length) {
    const i = stack.pop();
    if (first[i] < 0) {
      x[i] = leaf++;
      continue;
    }
    const children = [];
    for (let child = first[i]; child >= 0; child = next[child]) children.push(child);
    for (let at = children.length - 1; at >= 0; at--) stack.push(children[at]);
  }
  for (let i = count - 1; i >= 0; i--) if (first[i] >= 0) x[i] = (x[first[i]] + x[last[i]]) / 2;
  return { x, y, leaves: leaf };
}

// The layered picture grows downwards, x among leaves and y in steps; "right" turns it on its side.
export function turned(points, layout) {
  return layout === "right" ? { ...points, x: points.y, y: points.x } : points;
}

// The drawn nodes from top to bottom as an outline reads them: each with its level, its place among
// its siblings and how many they are.
export function outlineOf(parents) {
  const children = parents.map(() => []),
    roots = [],
    rows = [];
  parents.forEach((parent, at) =>
    (parent === null || parent === undefined ? roots : children[parent]).push(at),
  );
  const level = new Array(parents.length).fill(1),
    stack = roots.map((at, place) => [at, place + 1, roots.length]).reverse();
  while (stack.length) {
    const [at, place, count] = stack.pop();
    rows.push({ at, level: level[at], place, count, children: children[at].length });
    const below = children[at];
    for (let next = below.length - 1; next >= 0; next--) {
      level[below[next]] = level[at] + 1;
      stack.push([below[next], next + 1, below.length]);
    }
  }
  return rows;
}
