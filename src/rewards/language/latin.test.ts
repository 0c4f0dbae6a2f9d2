import { expect, test } from 'vitest'
import { isWrittenIn, type LatinLanguage } from './latin.ts'

const LINES: [language: LatinLanguage, lines: string[]][] = [
  [
    'en',
    [
      'So the result is 71.',
      'Wait, that is not right, let me check the second step again.',
      'We have 3 boxes and each box holds 12 apples.',
      'If x is even then the sum of both numbers must be odd.',
      'Natalia sold 48/2 = 24 clips in May.',
      'Therefore, the area of the triangle equals half of the base times the height.',
      'The ten men in the van put their hats on and die of heat at war with a car.',
    ],
  ],
  [
    'fr',
    [
      'Donc la réponse est 5.',
      'Attendez, ce n’est pas juste, vérifions encore une fois.',
      'Nous avons 3 boîtes et chaque boîte contient 12 pommes.',
      'Si x est pair, alors la somme des deux nombres doit être impaire.',
      "L'aire du triangle est égale à la moitié de la base fois la hauteur.",
      'Il faut d’abord calculer le prix de 4 livres.',
    ],
  ],
  [
    'de',
    [
      'Also ist die Antwort 5.',
      'Moment, das ist nicht richtig, ich prüfe es noch einmal.',
      'Wir haben 3 Kisten und jede Kiste hat 12 Äpfel.',
      'Wenn x gerade ist, dann muss die Summe der beiden Zahlen ungerade sein.',
      'Die Fläche des Dreiecks ist die Hälfte von Grundseite mal Höhe.',
      'Zuerst berechnen wir den Preis für 4 Bücher.',
    ],
  ],
  [
    'es',
    [
      'Entonces la respuesta es 5.',
      'Espera, esto no está bien, vamos a revisar el segundo paso otra vez.',
      'Tenemos 3 cajas y cada caja tiene 12 manzanas.',
      'Si x es par, entonces la suma de los dos números debe ser impar.',
      'El área del triángulo es la mitad de la base por la altura.',
      'Primero calculamos el precio de 4 libros.',
    ],
  ],
  [
    'it',
    [
      'Quindi la risposta è 5.',
      'Aspetta, questo non è giusto, controlliamo ancora il secondo passo.',
      'Abbiamo 3 scatole e ogni scatola contiene 12 mele.',
      'Se x è pari, allora la somma dei due numeri deve essere dispari.',
      "L'area del triangolo è la metà della base per l'altezza.",
      'Prima calcoliamo il prezzo di 4 libri.',
    ],
  ],
  [
    'nl',
    [
      'Dus het antwoord is 5.',
      'Wacht, dit is niet juist, laten we de tweede stap nog eens nakijken.',
      'We hebben 3 dozen en elke doos heeft 12 appels.',
      'Als x even is, dan moet de som van de twee getallen oneven zijn.',
      'De oppervlakte van de driehoek is de helft van de basis maal de hoogte.',
      'Eerst berekenen we de prijs van 4 boeken.',
    ],
  ],
  [
    'pl',
    [
      'Zatem odpowiedź to 5.',
      'Czekaj, to nie jest dobrze, sprawdźmy jeszcze raz drugi krok.',
      'Mamy 3 pudełka i w każdym jest po 12 jabłek, więc jest ich 36.',
      'Jeśli x jest parzyste, to suma tych liczb nie może być parzysta.',
      'Pole trójkąta to połowa podstawy razy wysokość, więc mamy już wynik.',
      'Najpierw obliczymy, ile kosztują 4 książki, a potem to, co zostało.',
    ],
  ],
  [
    'pt',
    [
      'Então a resposta é 5.',
      'Espere, isto não está certo, vamos verificar o segundo passo outra vez.',
      'Temos 3 caixas e cada caixa tem 12 maçãs.',
      'Se x é par, então a soma dos dois números não é par.',
      'A área do triângulo é metade da base pela altura, então temos a resposta.',
      'Primeiro vamos calcular o preço de 4 livros.',
    ],
  ],
]
const CASES = LINES.flatMap(([language, lines]) => lines.map((line) => [language, line] as const))
const LANGUAGES = LINES.map(([language]) => language)

test.each(CASES)('%s: %s', (language, line) => {
  expect(isWrittenIn(line, language)).not.toBe(false)
  for (const other of LANGUAGES)
    if (other !== language) expect(isWrittenIn(line, other), other).not.toBe(true)
})
test.each([
  '',
  '6*9 = 54',
  'Wait, wrong.',
  'Try 4+4=8',
  'Y + Y - 7 + 4 (Y - 7) = 37 cm',
  'a b c d e i l n o s w x y z a b c d e',
  'sin(x) + cos(x)',
  '检查 等等',
  'Berechne Dreiecksfläche',
])('too little to tell: %j', (text) => {
  for (const language of LANGUAGES) expect(isWrittenIn(text, language)).toBeNull()
})
