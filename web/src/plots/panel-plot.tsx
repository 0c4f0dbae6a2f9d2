import type { FigurePanel, FigurePoint } from '../api/types.ts'
import { lineColour } from '../learning/colours.ts'
import { percent, percentTick, short, UNKNOWN } from '../numbers.ts'
import { SavePicture } from './save-picture.tsx'
import { linear, logarithmic, type Scale } from './scale.ts'
import { useWidth } from './use-width.ts'

interface Props {
  readonly panel: FigurePanel
  /** Names in the order of their colours; by default those of the panel. */
  readonly names?: readonly string[]
  /** Does a line lead from point to point? */
  readonly isJoined?: boolean
  /** What a click on a point leads to. */
  readonly linkOf?: (point: FigurePoint) => string | null
  readonly isChosen?: (point: FigurePoint) => boolean
}

const HEIGHT = 280
const MARGIN = { left: 52, right: 16, top: 12, bottom: 44 }
/** Pixels of a text at the x axis. */
const TEXT_WIDTH = 44

/** A plot of points with their intervals. A point that leads to its answers is a link. */
export function PanelPlot({ panel, names, isJoined = true, ...links }: Props) {
  const [place, width] = useWidth<HTMLDivElement>()
  const { title, x, y, series } = panel
  const order = names ?? series.map(({ name }) => name)
  const colourOf = (name: string) => lineColour(order.indexOf(name))
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <p class="quiet">{y.label}</p>
        <SavePicture
          title={title}
          picture={() => place.current?.querySelector('svg') ?? null}
          header={['line', x.label, y.label, 'low', 'high']}
          rows={series.flatMap(({ name, points }) => points.map((p) => [name, p.x, p.y, p.low, p.high]))}
        />
      </figcaption>
      <div ref={place} class="plot">
        {width > 0 && (
          <Drawing panel={panel} width={width} colourOf={colourOf} isJoined={isJoined} {...links} />
        )}
      </div>
      {series.length > 1 && (
        <ul class="legend">
          {series.map(({ name }) => (
            <li key={name}>
              <svg width="10" height="10" aria-hidden="true">
                <circle cx="5" cy="5" r="5" fill={colourOf(name)} />
              </svg>{' '}
              {name}
            </li>
          ))}
        </ul>
      )}
    </figure>
  )
}

interface DrawingProps extends Omit<Props, 'names'> {
  readonly width: number
  readonly colourOf: (name: string) => string
}

function Drawing({ panel, width, colourOf, isJoined, linkOf, isChosen }: DrawingProps) {
  const scales = scalesOf(panel, width)
  const { across, up } = scales
  const told = panel.y.share ? percent : short
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no picture; its points are links with names
    <svg width={width} height={HEIGHT} font-size="12" role="group" aria-label={panel.title}>
      <Axes panel={panel} {...scales} width={width} />
      {panel.series.map(({ name, dashed, points }) => {
        const known = points.flatMap(({ y, ...point }) => (y === null ? [] : [{ ...point, y }]))
        const path = known.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${across.at(x)} ${up.at(y)}`)
        return (
          <g key={name} stroke={colourOf(name)} fill={colourOf(name)}>
            {isJoined && (
              <path
                d={path.join('')}
                fill="none"
                stroke-width="1.75"
                pointer-events="none"
                {...(dashed && { 'stroke-dasharray': '5 4' })}
              />
            )}
            {known.map((point, i) => (
              <Point
                key={i}
                cx={across.at(point.x)}
                cy={up.at(point.y)}
                interval={
                  point.low === null || point.high === null ? null : [up.at(point.low), up.at(point.high)]
                }
                label={`${name}: ${told(point.y)} at ${textAt(panel, point.x)}`}
                link={linkOf?.(point) ?? null}
                isChosen={isChosen?.(point) ?? false}
              />
            ))}
          </g>
        )
      })}
    </svg>
  )
}

interface PointProps {
  readonly cx: number
  readonly cy: number
  /** Where its interval begins and ends. */
  readonly interval: readonly [number, number] | null
  readonly label: string
  readonly link: string | null
  readonly isChosen: boolean
}

function Point({ cx, cy, interval, label, link, isChosen }: PointProps) {
  const drawn = (
    <>
      <title>{label}</title>
      {interval && (
        <path d={`M${cx} ${interval[0]}V${interval[1]}`} stroke-opacity="0.45" pointer-events="none" />
      )}
      {isChosen && <circle cx={cx} cy={cy} r="9" fill="none" stroke-width="2" />}
      <circle cx={cx} cy={cy} r="4.5" stroke="none" />
      <circle cx={cx} cy={cy} r="12" fill="transparent" stroke="none" />
    </>
  )
  if (link === null) return <g>{drawn}</g>
  return (
    <a href={link} aria-label={label} aria-current={isChosen ? 'true' : undefined}>
      {drawn}
    </a>
  )
}

interface Scales {
  readonly across: Scale
  readonly up: Scale
}

function Axes({ panel: { x }, across, up, width }: Scales & { panel: FigurePanel; width: number }) {
  const bottom = HEIGHT - MARGIN.bottom
  let free = Number.NEGATIVE_INFINITY
  return (
    <g fill="currentColor" opacity="0.8">
      {up.ticks.map(([value, text]) => (
        <g key={value}>
          <path
            d={`M${MARGIN.left} ${up.at(value)}H${width - MARGIN.right}`}
            stroke="currentColor"
            stroke-opacity="0.18"
          />
          <text x={MARGIN.left - 8} y={up.at(value) + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      {across.ticks.map(([value, text]) => {
        const at = across.at(value)
        // A text that would touch the one before it is left out.
        if (at < free) return null
        free = at + TEXT_WIDTH
        return text.split('\n').map((line, i) => (
          <text key={`${value} ${i}`} x={at} y={bottom + 16 + 13 * i} text-anchor="middle">
            {line}
          </text>
        ))
      })}
      <text x={width - MARGIN.right} y={HEIGHT - 6} text-anchor="end">
        {x.label}
      </text>
    </g>
  )
}

function scalesOf({ x, y, series }: FigurePanel, width: number): Scales {
  const points = series.flatMap((one) => one.points)
  const span = [MARGIN.left + 14, width - MARGIN.right - 14] as const
  const scale = x.scale === 'log' ? logarithmic : linear
  const xs = points.map((point) => point.x)
  const ys = points.flatMap((point) => [point.y, point.low, point.high]).filter((one) => one !== null)
  return {
    across: scale(xs, span, short, x.ticks ?? undefined),
    up: linear(
      y.share ? [0, 1] : [0, ...ys],
      [HEIGHT - MARGIN.bottom, MARGIN.top],
      y.share ? percentTick : short,
    ),
  }
}

/** "8 samples per question" */
function textAt({ x }: FigurePanel, value: number): string {
  const text = x.ticks?.find(([at]) => at === value)?.[1].replace('\n', '/') ?? short(value)
  return x.label ? `${text} ${x.label}` : text || UNKNOWN
}
