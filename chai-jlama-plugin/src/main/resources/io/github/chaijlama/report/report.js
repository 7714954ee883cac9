/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the values of marks and hides series, for every chart of a page. What it needs is in the drawings: a title in
 * each mark, the number of its series around it; a heat map has its values in the table below it.
 *
 * The page is XML too, and allows this script by its digest. So the characters that begin tags and entities cannot
 * stand here: comparisons look the other way, and two conditions are two branches.
 */
'use strict';
(function () {
  const REACH = 24;
  const GAP = 8;
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  tip.setAttribute('aria-hidden', 'true');
  document.body.append(tip);
  let shown = null;

  function hide() {
    if (shown) {
      shown.classList.remove('on');
      shown = null;
      tip.hidden = true;
    }
  }

  function show(mark) {
    if (mark === shown) {
      return;
    }
    hide();
    shown = mark;
    mark.classList.add('on');
    tip.textContent = mark.getAttribute('aria-label');
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - GAP;
    const left = Math.max(GAP, Math.min(box.left + (box.width - tip.offsetWidth) / 2, room));
    const above = box.top - tip.offsetHeight - GAP;
    tip.style.left = left + window.scrollX + 'px';
    tip.style.top = (above > 0 ? above : box.bottom + GAP) + window.scrollY + 'px';
  }

  /** A mark that the keyboard can reach; one of a chart is reached by the tabulator, the others by arrows. */
  function name(mark, text) {
    mark.setAttribute('role', 'img');
    mark.setAttribute('aria-label', text);
    mark.setAttribute('tabindex', '-1');
  }

  function step(key, list, index) {
    const steps = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1, ArrowUp: index - 1,
      Home: 0, End: list.length - 1 };
    return list[steps[key]];
  }

  /** Lines, points and intervals. */
  function plot(svg) {
    svg.querySelectorAll('.mark').forEach(mark => {
      const title = mark.querySelector('title');
      name(mark, title.textContent);
      title.remove();
    });
    const marks = () => [...svg.querySelectorAll('.mark')].filter(mark => !mark.closest('.off'));
    function stop(wanted) {
      const list = marks();
      const reached = list.includes(wanted) ? wanted : list[0];
      svg.querySelectorAll('.mark').forEach(mark => mark.setAttribute('tabindex', mark === reached ? '0' : '-1'));
    }
    stop();
    return {
      stop,
      at(x, y) {
        let nearest = null;
        let least = REACH;
        marks().forEach(mark => {
          const box = mark.getBoundingClientRect();
          const distance = Math.hypot(box.left + box.width / 2 - x, box.top + box.height / 2 - y);
          if (least > distance) {
            least = distance;
            nearest = mark;
          }
        });
        return nearest;
      },
      next(mark, key) {
        const list = marks();
        return step(key, list, list.indexOf(mark));
      }
    };
  }

  /** A heat map's cells are one drawing; a frame around a cell is its mark. */
  function heat(svg, table) {
    const area = svg.querySelector('g');
    const order = svg.dataset.order.split(' ').map(Number);
    const frame = document.createElementNS(svg.namespaceURI, 'rect');
    frame.setAttribute('class', 'mark cell');
    frame.setAttribute('transform', area.getAttribute('transform'));
    frame.setAttribute('width', 1);
    frame.setAttribute('height', 1);
    let row = 0;
    let column = 0;

    /** A new frame for each cell, so that focus moves and the cell is read. */
    function cell(newRow, newColumn) {
      row = newRow;
      column = newColumn;
      const old = svg.querySelector('.cell');
      const mark = frame.cloneNode();
      mark.setAttribute('x', column);
      mark.setAttribute('y', row);
      const values = table.rows[order[row] + 1].cells;
      const value = values[order[column] + 1].textContent;
      name(mark, values[0].textContent + ' and ' + table.rows[0].cells[order[column] + 1].textContent + ': ' + value);
      mark.setAttribute('tabindex', '0');
      svg.append(mark);
      if (old) {
        const focused = old === document.activeElement;
        old.remove();
        if (focused) {
          mark.focus();
        }
      }
      return mark;
    }
    cell(0, 0);
    return {
      stop() {},
      at(x, y) {
        const place = new DOMPoint(x, y).matrixTransform(area.getScreenCTM().inverse());
        const newRow = Math.floor(place.y);
        const newColumn = Math.floor(place.x);
        if (![newRow, newColumn].every(index => index in order)) {
          return null;
        }
        const same = newRow === row ? newColumn === column : false;
        return same ? svg.querySelector('.cell') : cell(newRow, newColumn);
      },
      next(mark, key) {
        const vertical = ['ArrowUp', 'ArrowDown'].includes(key);
        const index = step(key, order.map((_, i) => i), vertical ? row : column);
        return index === undefined ? undefined : vertical ? cell(index, column) : cell(row, index);
      }
    };
  }

  const charts = new Map();
  document.querySelectorAll('.charts, figure').forEach(home => {
    if (home.parentElement.closest('.charts')) {
      return;
    }
    const tables = home.querySelectorAll('details table');
    home.querySelectorAll('svg.chart').forEach((svg, index) => {
      const chart = svg.classList.contains('heat') ? heat(svg, tables[index]) : plot(svg);
      charts.set(svg, chart);
      svg.setAttribute('role', 'group');
      function point(event) {
        const mark = chart.at(event.clientX, event.clientY);
        if (mark) {
          show(mark);
        } else {
          hide();
        }
        return mark;
      }
      svg.addEventListener('pointermove', point);
      svg.addEventListener('pointerleave', hide);
      svg.addEventListener('click', event => point(event)?.focus());
    });
  });

  /* For all charts at once: a drawing that listens for focus itself would be a stop of the tabulator in some browsers. */
  const chartOf = mark => charts.get(mark.closest('svg.chart'));
  document.addEventListener('focusin', event => {
    if (event.target.matches('.mark')) {
      chartOf(event.target).stop(event.target);
      show(event.target);
    }
  });
  document.addEventListener('focusout', hide);
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      hide();
    }
    if ([event.altKey, event.ctrlKey, event.metaKey].includes(true)) {
      return;
    }
    const next = event.target.matches('.mark') ? chartOf(event.target).next(event.target, event.key) : null;
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });

  document.querySelectorAll('.legend').forEach(legend => {
    const home = legend.closest('.charts, figure');
    [...legend.children].forEach((item, index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.append(...item.childNodes);
      item.append(button);
      button.addEventListener('click', () => {
        const off = button.getAttribute('aria-pressed') === 'true';
        button.setAttribute('aria-pressed', String(!off));
        hide();
        home.querySelectorAll('[data-series="' + index + '"]').forEach(part => part.classList.toggle('off', off));
        home.querySelectorAll('svg.chart').forEach(svg => charts.get(svg).stop());
      });
    });
  });
})();
