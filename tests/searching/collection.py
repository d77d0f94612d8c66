"""A small collection as people have them, and what they ask for: the ground that ranking is tried on.

Pictures are written as the two passes describe them: name, directory, and what the pixels, fields and sidecars say.
No question was written by looking at a ranking; each has the one picture that a person would mean.
"""

from glimpsed.records import ENCODED_LABELS, Part

PICTURES: dict[str, dict[str, str]] = {
    "kyoto/IMG_2041.jpg": {
        "above": "IMG_2041",
        "directory": "kyoto",
        "ocr": "らーめん 一蘭 京都河原町店\n領収書\n天然とんこつラーメン 980円\n"
        "替玉 210円\n合計 1,190円\n2024年6月12日",
    },
    "receipts/scan_0007.png": {
        "name": "scan 0007",
        "directory": "receipts",
        "ocr": "WHOLE FOODS MARKET\nOrganic bananas 1.29\nOat milk 4.49\n"
        "Sourdough bread 5.99\nTOTAL 11.77\nVISA ****4411",
    },
    "receipts/hornbach.jpg": {
        "name": "hornbach",
        "directory": "receipts",
        "ocr": "HORNBACH Baumarkt AG\nKassenbon\nBohrmaschine Bosch 89,00\n"
        "Dübel 8mm 4,95\nSumme EUR 93,95\nVielen Dank",
    },
    "receipts/farmacia.jpg": {
        "name": "farmacia",
        "directory": "receipts",
        "ocr": "FARMACIA LA LUZ\nTicket de compra\nIbuprofeno 600 mg 2,50\nJarabe para la tos 7,95\nTotal 10,45 EUR",
    },
    "travel/北京.jpg": {
        "name": "北京",
        "directory": "travel",
        "ocr": "北京南站 G105次 上海虹桥站\n2024年03月18日 07:20开 05车12A号\n¥553.0元 二等座\n限乘当日当次车",
    },
    "travel/db.png": {
        "name": "db",
        "directory": "travel",
        "ocr": "Online-Ticket\nICE Fahrkarte Berlin Hbf nach München Hbf\n"
        "Abfahrt 08:05 Gleis 3\nSparpreis 2. Klasse 39,90 EUR",
    },
    "travel/boarding.png": {
        "name": "boarding",
        "directory": "travel",
        "ocr": "BOARDING PASS\nLISBON LIS to NEW YORK JFK\nTP 209 Seat 17C Gate 42\nBoarding 10:35",
    },
    "travel/louvre.jpg": {
        "name": "louvre",
        "directory": "travel",
        "ocr": "MUSÉE DU LOUVRE\nBillet d'entrée plein tarif 22 €\nEntrée par la Pyramide\nValable le 4 mai 2023",
    },
    "travel/metro.jpg": {
        "name": "metro",
        "directory": "travel",
        "ocr": "МОСКОВСКОЕ МЕТРО\nЕдиный билет на 60 поездок\nДействителен до 31.12.2023",
    },
    "screenshots/Screenshot from 2024-05-02.png": {
        "name": "Screenshot from 2024 05 02",
        "directory": "screenshots",
        "ocr": 'Traceback (most recent call last):\n  File "app.py", line 41, in <module>\n    main()\n'
        "KeyError: 'user_id'",
    },
    "screenshots/docker.png": {
        "name": "docker",
        "directory": "screenshots",
        "ocr": "$ docker compose up\nError response from daemon: port is already allocated\nbind 0.0.0.0:8080 failed",
    },
    "screenshots/wifi.png": {
        "name": "wifi",
        "directory": "screenshots",
        "ocr": "Network settings\nSSID: Kaffeehaus-Gast\nPassword: melange1900\nSecurity: WPA2",
    },
    "screenshots/chat.png": {
        "name": "chat",
        "directory": "screenshots",
        "ocr": "Mum\nDon't forget grandma's birthday on Sunday!\n"
        "She wants the lemon cake from the bakery\nOk, I'll order it",
    },
    "screenshots/wetter.png": {
        "name": "wetter",
        "directory": "screenshots",
        "ocr": "Wetter Hamburg\nHeute Regen, 14 °C\nMorgen Gewitter mit Sturmböen\nWind aus West",
    },
    "screenshots/map.png": {
        "name": "map",
        "directory": "screenshots",
        "ocr": "Directions\nDrive 2 h 14 min (188 km)\nvia A7 and E45\nFastest route, the usual traffic",
    },
    "screenshots/calendar.png": {
        "name": "calendar",
        "directory": "screenshots",
        "ocr": "Tuesday\n09:30 Stand-up\n14:00 Dentist Dr. Weber\n18:30 Yoga class",
    },
    "posters/fiesta.jpg": {
        "name": "fiesta",
        "directory": "posters",
        "ocr": "GRAN FIESTA DE VERANO\nMúsica en vivo y fuegos artificiales\n"
        "Plaza Mayor, sábado 20 de julio, 22 h\nEntrada libre",
    },
    "posters/jazz.jpg": {
        "name": "jazz",
        "directory": "posters",
        "ocr": "JAZZ NIGHT\nThe Blue Quintet live at the Harbour Club\nFriday doors 8 pm\nTickets at the door",
    },
    "posters/exposition.jpg": {
        "name": "exposition",
        "directory": "posters",
        "ocr": "CLAUDE MONET\nExposition au Musée d'Orsay\n"
        "Les nymphéas et le jardin de Giverny\ndu 3 avril au 28 juillet",
    },
    "posters/katze.jpg": {
        "name": "katze",
        "directory": "posters",
        "ocr": "KATZE VERMISST\nGraue Katze mit weißen Pfoten\nhört auf den Namen Minka\nBitte melden 0176 555 123",
    },
    "posters/театр.jpg": {
        "name": "театр",
        "directory": "posters",
        "ocr": "БОЛЬШОЙ ТЕАТР\nП. И. Чайковский\nЛебединое озеро\nбалет в четырёх действиях",
    },
    "family/DSC_0113.jpg": {
        "caption": "Anna and Ben on the beach at sunset, building a sandcastle",
        "people": "Anna\nBen",
        "above": "DSC_0113",
        "directory": "family",
    },
    "family/DSC_0207.jpg": {
        "caption": "Oma bäckt Apfelkuchen in der Küche",
        "people": "Oma",
        "above": "DSC_0207",
        "directory": "family",
    },
    "family/wedding/0044.jpg": {
        "caption": "Bride and groom cutting the wedding cake",
        "keywords": "wedding\nLisbon\ncake",
        "directory": "wedding",
        "above": "0044 family",
    },
    "family/IMG_20230704.jpg": {
        "keywords": "fireworks\nindependence day\nnight",
        "place": "Boston, Massachusetts",
        "above": "IMG_20230704",
        "directory": "family",
    },
    "pets/roof.jpg": {
        "caption": "Two kittens sleeping on the tiles of the neighbour's house",
        "name": "roof",
        "directory": "pets",
    },
    "pets/IMG_3310.jpg": {
        "caption": "Our golden retriever jumps into the lake",
        "above": "IMG_3310",
        "directory": "pets",
    },
    "pets/perro.jpg": {"sidecar": "Mi perro Toby duerme en el sofá", "name": "perro", "directory": "pets"},
    "nature/IMG_0420.jpg": {
        "caption": "富士山の頂上から見た日の出",
        "place": "静岡県 富士宮市",
        "above": "IMG_0420",
        "directory": "nature",
    },
    "nature/熊猫.jpg": {"caption": "大熊猫在吃竹子", "name": "熊猫", "directory": "nature"},
    "nature/cerisiers.jpg": {
        "caption": "Cerisiers en fleurs au bord de la rivière",
        "name": "cerisiers",
        "directory": "nature",
    },
    "nature/берёзы.jpg": {"caption": "Зимний лес, берёзы в снегу", "name": "берёзы", "directory": "nature"},
    "nature/IMG_5512.jpg": {
        "keywords": "waterfall\nIceland\nrainbow",
        "place": "Skógafoss",
        "above": "IMG_5512",
        "directory": "nature",
    },
    "nature/wal.jpg": {"caption": "Ein Buckelwal springt aus dem Meer", "name": "wal", "directory": "nature"},
    "food/recipe-card.jpg": {
        "name": "recipe card",
        "directory": "food",
        "ocr": "Pancakes\n2 eggs, 300 ml milk, 150 g flour, a pinch of salt\nWhisk, rest 20 minutes, fry in butter",
    },
    "food/menu_paris.jpg": {
        "name": "menu paris",
        "directory": "food",
        "ocr": "Bistrot Chez Paul\nSoupe à l'oignon 9 €\nSteak frites 21 €\nCrème brûlée 8 €",
    },
    "food/IMG_7781.jpg": {"caption": "Sushi platter with salmon and tuna", "above": "IMG_7781", "directory": "food"},
    "food/paella.jpg": {
        "caption": "Paella de marisco recién hecha, comida del domingo en Valencia",
        "name": "paella",
        "directory": "food",
    },
    "documents/passport_2031.png": {
        "name": "passport 2031",
        "directory": "documents",
        "ocr": "PASSPORT\nUNITED KINGDOM OF GREAT BRITAIN\nSurname SMITH\nDate of expiry 14 FEB 2031",
    },
    "documents/mietvertrag-seite1.png": {
        "name": "mietvertrag seite1",
        "directory": "documents",
        "ocr": "Wohnraummietvertrag\nzwischen Vermieter und Mieter\n"
        "Kaltmiete monatlich 780 Euro\nKaution drei Monatsmieten",
    },
    "documents/发票.png": {
        "name": "发票",
        "directory": "documents",
        "ocr": "增值税电子普通发票\n购买方 上海星云科技有限公司\n办公用品 打印纸\n价税合计 ¥326.00",
    },
    "documents/vaccination.jpg": {
        "name": "vaccination",
        "directory": "documents",
        "ocr": "Certificate of vaccination\nYellow fever\nBatch K4501\nDate 02/11/2019",
    },
    "documents/whiteboard.jpg": {
        "name": "whiteboard",
        "directory": "documents",
        "ocr": "Q3 roadmap\n1. Billing migration\n2. Mobile app beta\n3. Hire two engineers\nOwner: Priya",
    },
    "misc/a.png": {"name": "a", "directory": "misc"},
    "misc/on.png": {"name": "on", "directory": "misc"},
    "misc/auto.jpg": {"caption": "Red vintage bicycle leaning on a brick wall", "name": "auto", "directory": "misc"},
    "misc/voiture.jpg": {
        "caption": "Voiture rouge garée devant la mairie",
        "name": "voiture",
        "directory": "misc",
    },
    "misc/guitar-lesson.jpg": {"name": "guitar lesson", "directory": "misc"},
}

QUESTIONS: tuple[tuple[str, str], ...] = (
    # By meaning, mostly across languages.
    ("ramen receipt from Kyoto", "kyoto/IMG_2041.jpg"),
    ("拉面收据", "kyoto/IMG_2041.jpg"),
    ("cats on a roof", "pets/roof.jpg"),
    ("dog swimming", "pets/IMG_3310.jpg"),
    ("dog asleep on the couch", "pets/perro.jpg"),
    ("Hund auf dem Sofa", "pets/perro.jpg"),
    ("panda eating bamboo", "nature/熊猫.jpg"),
    ("パンダ", "nature/熊猫.jpg"),
    ("sunrise seen from Mount Fuji", "nature/IMG_0420.jpg"),
    ("whale jumping out of the sea", "nature/wal.jpg"),
    ("una ballena saltando en el mar", "nature/wal.jpg"),
    ("snowy birch forest in winter", "nature/берёзы.jpg"),
    ("cherry blossom by the river", "nature/cerisiers.jpg"),
    ("лебединое озеро", "posters/театр.jpg"),
    ("Swan Lake ballet", "posters/театр.jpg"),
    ("fireworks and live music in the town square", "posters/fiesta.jpg"),
    ("missing cat poster", "posters/katze.jpg"),
    ("train ticket from Berlin to Munich", "travel/db.png"),
    ("去上海的火车票", "travel/北京.jpg"),
    ("train ticket Beijing Shanghai", "travel/北京.jpg"),
    ("entrada del museo del Louvre", "travel/louvre.jpg"),
    ("Moscow metro ticket", "travel/metro.jpg"),
    ("boarding pass to New York", "travel/boarding.png"),
    ("grandmother baking an apple cake", "family/DSC_0207.jpg"),
    ("dulces de boda, los novios cortan la tarta", "family/wedding/0044.jpg"),
    ("Kinder bauen eine Sandburg am Strand", "family/DSC_0113.jpg"),
    ("red bicycle", "misc/auto.jpg"),
    ("rotes Fahrrad", "misc/auto.jpg"),
    ("red car in front of the town hall", "misc/voiture.jpg"),
    ("arc-en-ciel et cascade en Islande", "nature/IMG_5512.jpg"),
    ("cough syrup from the pharmacy", "receipts/farmacia.jpg"),
    ("Quittung vom Baumarkt, Bohrmaschine", "receipts/hornbach.jpg"),
    ("rental contract for the flat", "documents/mietvertrag-seite1.png"),
    ("where is my passport", "documents/passport_2031.png"),
    ("寿司", "food/IMG_7781.jpg"),
    ("seafood paella", "food/paella.jpg"),
    ("онлайн погода в Гамбурге", "screenshots/wetter.png"),
    ("Seerosen von Monet", "posters/exposition.jpg"),
    ("領収書 ラーメン", "kyoto/IMG_2041.jpg"),
    ("打印纸发票", "documents/发票.png"),
    # By words, names and numbers.
    ("IMG_2041", "kyoto/IMG_2041.jpg"),
    ("KeyError user_id", "screenshots/Screenshot from 2024-05-02.png"),
    ("port is already allocated", "screenshots/docker.png"),
    ("wifi password", "screenshots/wifi.png"),
    ("melange1900", "screenshots/wifi.png"),
    ("Dr. Weber", "screenshots/calendar.png"),
    ("dentist appointment", "screenshots/calendar.png"),
    ("lemon cake for grandma", "screenshots/chat.png"),
    ("crème brûlée", "food/menu_paris.jpg"),
    ("creme brulee", "food/menu_paris.jpg"),
    ("pancake recipe", "food/recipe-card.jpg"),
    ("yellow fever", "documents/vaccination.jpg"),
    ("G105", "travel/北京.jpg"),
    ("seat 17C", "travel/boarding.png"),
    ("980円", "kyoto/IMG_2041.jpg"),
    ("Minka", "posters/katze.jpg"),
    ("guitar lesson", "misc/guitar-lesson.jpg"),
    ("priya roadmap", "documents/whiteboard.jpg"),
    ("Kaution", "documents/mietvertrag-seite1.png"),
    ("independence day", "family/IMG_20230704.jpg"),
    ("oat milk and bananas", "receipts/scan_0007.png"),
    ("a.png", "misc/a.png"),
)

HELD_OUT: tuple[tuple[str, str], ...] = (
    ("supermarket receipt bread and milk", "receipts/scan_0007.png"),
    ("medicamentos para la tos", "receipts/farmacia.jpg"),
    ("billet de train Berlin Munich", "travel/db.png"),
    ("flight to New York", "travel/boarding.png"),
    ("卢浮宫门票", "travel/louvre.jpg"),
    ("python error screenshot", "screenshots/Screenshot from 2024-05-02.png"),
    ("docker port error", "screenshots/docker.png"),
    ("WLAN Passwort", "screenshots/wifi.png"),
    ("weather forecast with thunderstorm", "screenshots/wetter.png"),
    ("Zahnarzt Termin", "screenshots/calendar.png"),
    ("concert de jazz", "posters/jazz.jpg"),
    ("fête d'été avec feux d'artifice", "posters/fiesta.jpg"),
    ("entlaufene Katze", "posters/katze.jpg"),
    ("niños en la playa al atardecer", "family/DSC_0113.jpg"),
    ("gâteau de mariage", "family/wedding/0044.jpg"),
    ("retriever im See", "pets/IMG_3310.jpg"),
    ("熊猫吃竹子", "nature/熊猫.jpg"),
    ("富士山", "nature/IMG_0420.jpg"),
    ("winter birches", "nature/берёзы.jpg"),
    ("Wasserfall mit Regenbogen", "nature/IMG_5512.jpg"),
    ("baleine qui saute", "nature/wal.jpg"),
    ("how to make pancakes", "food/recipe-card.jpg"),
    ("soupe à l'oignon", "food/menu_paris.jpg"),
    ("arroz con marisco", "food/paella.jpg"),
    ("паспорт", "documents/passport_2031.png"),
    ("contrato de alquiler", "documents/mietvertrag-seite1.png"),
    ("办公用品发票", "documents/发票.png"),
    ("impfung gelbfieber", "documents/vaccination.jpg"),
    ("roadmap for the third quarter", "documents/whiteboard.jpg"),
    ("старинный велосипед", "misc/auto.jpg"),
    ("guitar", "misc/guitar-lesson.jpg"),
    ("driving directions", "screenshots/map.png"),
    ("sleeping kittens", "pets/roof.jpg"),
    ("Monet exhibition", "posters/exposition.jpg"),
)
"""Written after the ranking was tuned on QUESTIONS, and tried once."""


def parts(path: str) -> tuple[Part, ...]:
    """A picture's description, most telling part first."""
    said = PICTURES[path]
    labels = sorted(said, key=lambda label: ENCODED_LABELS.index(label) if label in ENCODED_LABELS else 99)
    return tuple(Part(label, said[label]) for label in labels)


def encoded(path: str) -> tuple[str, ...]:
    """The texts of the parts that are encoded."""
    return tuple(part.text for part in parts(path) if part.label in ENCODED_LABELS)
