// How much of a tree is drawn: at most about NODE_LIMIT marks, the rest folded into counts. Pure
// functions, no DOM.

export const NODE_LIMIT = 2000;
// nodes drawn of a tree that does not fit: the folded subtrees want marks as well
const FOLDED_LIMIT = 1200;
const SHARE = 200; // children of one node that are drawn for sure where there are too many

// The nodes in question in order of creation, as arrays by position: parent (position or null),
// first child, next sibling, nodes below, best score at or below. `focus` is the node that the tree
// is cut down to, or null.
export function familyOf(state, showHidden, focus = null) {
  const ids = [],
    at = new Map(),
    parents = [],
    nodes = [];
  const rooted = focus !== null && state.nodes.has(focus) ? focus : null;
  for (const id of state.order) {
    const node = state.nodes.get(id);
    if (!showHidden && HIDDEN_KINDS.has(node.kind) && id !== rooted) continue;
    const up = id === rooted || node.parent === null ? undefined : at.get(node.parent);
    if (rooted !== null && id !== rooted && up === undefined) continue;
    at.set(id, ids.length);
    ids.push(id);
    nodes.push(node);
    parents.push(up === undefined ? null : up);
  }
  const first = new Int32Array(ids.length).fill(-1),
    next = new Int32Array(ids.length).fill(-1);
  const below = new Int32Array(ids.length),
    best = nodes.map((node) => node.score);
  for (let i = ids.length - 1; i >= 0; i--) {
    const parent = parents[i];
    if (parent === null) continue;
    next[i] = first[parent];
    first[parent] = i;
    below[parent] += below[i] + 1;
    best[parent] = better(best[parent], best[i]);
  }
  return { ids, at, nodes, parents, first, next, below, best };
}

function better(one, other) {
  return one === null ? other : other === null ? one : Math.max(one, other);
}

function childrenOf(family, i) {
  const found = [];
  for (let child = family.first[i]; child >= 0; child = family.next[child]) found.push(child);
  return found;
}

// Which positions are drawn. What the reader closed stays closed; else all, if there is room. If
// not: first the way to the nodes in `near` and the children of those (the selection, what the
// reader opened, the answer), then level by level from the top, among siblings those that were not
// pruned first.
export function chosenMarks(family, { near = [], closed = new Set(), limit = NODE_LIMIT } = {}) {
  const count = family.ids.length,
    drawn = new Uint8Array(count);
  const shut = (i) => closed.has(family.ids[i]);
  let room = Math.min(limit, FOLDED_LIMIT);
  const show = (i) => {
    if (!drawn[i]) {
      drawn[i] = 1;
      room -= 1;
    }
  };
  const roots = family.parents.flatMap((parent, i) => (parent === null ? [i] : []));
  if (count <= limit) {
    for (let i = 0; i < count; i++)
      if (family.parents[i] === null || (drawn[family.parents[i]] && !shut(family.parents[i])))
        drawn[i] = 1;
    return drawn;
  }
  const way = new Uint8Array(count);
  for (const id of near)
    for (let i = family.at.get(id) ?? null; i !== null && !way[i]; i = family.parents[i])
      way[i] = 1;
  const ranked = (i) => {
    const children = childrenOf(family, i),
      rank = (child) => (way[child] ? 0 : family.nodes[child].pruned ? 2 : 1);
    return children.sort((a, b) => rank(a) - rank(b) || a - b);
  };
  const unfold = (i, most) =>
    ranked(i).forEach((child, place) => {
      if (way[child] || (place < most && room > 0)) show(child);
    });
  roots.forEach((i) => {
    if (way[i] || room > 0) show(i);
  });
  for (let i = 0; i < count; i++) if (way[i] && drawn[i] && !shut(i)) unfold(i, SHARE);
  let level = roots.filter((i) => drawn[i]);
  while (level.length && room > 0) {
    level.forEach((i) => {
      if (!shut(i) && room > 0) unfold(i, Infinity);
    });
    level = level.flatMap((i) => childrenOf(family, i).filter((child) => drawn[child]));
  }
  return drawn;
}

// What is not drawn, on its nearest drawn ancestor: how many nodes, and their best score (null:
// none is scored).
export function folded(family, drawn) {
  const counts = new Map();
  for (let i = 0; i < family.ids.length; i++) {
    const parent = family.parents[i];
    if (drawn[i] || parent === null || !drawn[parent]) continue;
    const before = counts.get(parent) || { count: 0, best: null };
    counts.set(parent, {
      count: before.count + family.below[i] + 1,
      best: better(before.best, family.best[i]),
    });
  }
  return counts;
}

// State -> what is drawn, as plain arrays. Nodes of another run (`context`) hang on drawn nodes and
// are listed apart.
export function marksOf(
  state,
  showHidden,
  {
    limit = NODE_LIMIT,
    focus = null,
    opened = new Set(),
    closed = new Set(),
    selected = null,
    context = [],
  } = {},
) {
  const path = chosenPath(state),
    family = familyOf(state, showHidden, focus);
  const drawn = chosenMarks(family, { near: [selected, state.chosen, ...opened], closed, limit }),
    counts = folded(family, drawn);
  const ids = [],
    nodes = [],
    from = [];
  drawn.forEach((yes, i) => {
    if (yes) {
      ids.push(family.ids[i]);
      nodes.push(family.nodes[i]);
      from.push(i);
    }
  });
  const at = new Map(ids.map((id, index) => [id, index])),
    parents = nodes.map((node) => at.get(node.parent) ?? null);
  const guests = context.filter(
    (guest) =>
      at.has(guest.parent) &&
      parents.push(at.get(guest.parent)) &&
      at.set(guest.id, parents.length - 1),
  );
  const places = layoutTree(parents);
  const edges = { x: [], y: [] },
    thick = { x: [], y: [] },
    dashed = { x: [], y: [] };
  parents.forEach((parent, index) => {
    if (parent === null) return;
    const into = index >= ids.length ? dashed : path.has(ids[index]) ? thick : edges;
    into.x.push(places.x[parent], places.x[index], null);
    into.y.push(places.y[parent], places.y[index], null);
  });
  const deepest = places.y.reduce((most, depth) => Math.max(most, depth), 0);
  const hidden = from.flatMap((i, index) =>
    counts.has(i)
      ? [{ id: ids[index], x: places.x[index], y: places.y[index], ...counts.get(i) }]
      : [],
  );
  return {
    ids,
    nodes,
    guests,
    at,
    parents,
    ...places,
    deepest,
    edges,
    thick,
    dashed,
    hidden,
    path,
    below: new Map(from.map((i, index) => [ids[index], family.below[i]])),
    total: family.ids.length,
  };
}

// From the root of the run to the node: the breadcrumb of a focus.
export function wayTo(state, id) {
  const way = [];
  for (let node = state.nodes.get(id); node; node = state.nodes.get(node.parent))
    way.unshift(node.id);
  return way;
}
